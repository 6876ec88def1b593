"""The web page of a blind test, for keyboard and mouse; each browser window gets its own."""

from __future__ import annotations

import contextlib
import html
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn

from copper_tf.analysis.blindtest.answers import AnswerLog, WrongCodeError, clean_name
from copper_tf.analysis.blindtest.folder import ROUNDS, BlindTest
from copper_tf.apps.blindtest import messages
from copper_tf.apps.blindtest.guessing import Guesses
from copper_tf.apps.blindtest.keyboard import TypedLabel
from copper_tf.apps.blindtest.session import DONE, PRACTICE, READY, ROUND, Session
from copper_tf.apps.blindtest.styles import LABELS, TEXT, VIEW, colour_scale, micrograph_figure
from copper_tf.apps.web.keys import KeyListener
from copper_tf.apps.web.styles import BUTTONS, FIELDS
from copper_tf.apps.web.widgets import button, row, text
from tfds_copper.errors import CopperError
from tfds_copper.files import is_disk_full
from tfds_copper.folder.times import time_text

__all__ = ["Page"]

_LOG = logging.getLogger(__name__)
_STRETCHED: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}


def _text(content: str = "", **params: Any) -> pn.pane.HTML:
    return text(TEXT, content, **params)


def _button(name: str, on_click: Callable[[], None], *classes: str, **params: Any) -> pn.widgets.Button:
    return button(name, on_click, "large", *classes, **params)


class Page:
    """The page of one browser window; raters in different windows don't affect each other.

    It sends the label scale, the pixels of the current picture and, for practice pictures that were answered, the
    true label. The key of the test is never read here.

    Args:
        test: the test.
        guesses: of raters' codes, of all windows.

    Attributes:
        view: the Panel object to serve.
        session: of the rater; None before a name is entered.
    """

    def __init__(self, test: BlindTest, guesses: Guesses | None = None) -> None:
        self.test, self._guesses = test, guesses or Guesses()
        self.session: Session | None = None
        self._shown: Any = None
        names = [time_text(t) for t in test.labels.times]
        self._typed = TypedLabel(names)
        self._header, self._message = _text(align="center", **_STRETCHED), _text(**_STRETCHED)
        self._pause = _button("Pause", partial(self.perform, "pause", True), width=96, align="center")
        sheets = [BUTTONS, LABELS]
        self._scale = [
            _button(name, partial(self.perform, "choose", k), stylesheets=sheets, **_STRETCHED)
            for k, name in enumerate(names)
        ]
        self._question = _text(css_classes=["question"], **_STRETCHED)
        self._key_help = _text(css_classes=["keys"], **_STRETCHED)
        self._back = _button("Back", partial(self.perform, "back"), width=96)
        self._next = _button("Next", partial(self.perform, "forward"), "primary", width=150)
        self._skip = _button("End practice", partial(self.perform, "end_practice"), width=130)
        buttons = row(self._back, row(*self._scale, gap=6, classes=("labels",)), self._next, gap=12)
        self._footer = pn.Column(self._question, buttons, self._key_help, visible=False, **_STRETCHED)
        self._footer.styles = {"gap": "8px"}
        self._body = pn.Column(margin=0, sizing_mode="stretch_both")
        listener = KeyListener(self.on_key)
        top = row(self._header, self._skip, self._pause, listener, gap=12, height=44)
        self.view = pn.Column(top, self._message, self._body, self._footer, stylesheets=[VIEW], css_classes=["page"])
        self.view.margin, self.view.sizing_mode = 0, "stretch_both"
        self._skip.visible = self._pause.visible = False
        self._show_login()

    def _show_login(self) -> None:
        """Asks for the rater's name."""
        fields: dict[str, Any] = {
            "max_width": 340,
            "sizing_mode": "stretch_width",
            "margin": 0,
            "stylesheets": [FIELDS],
        }
        name = pn.widgets.TextInput(name="Your name", max_length=60, **fields)
        code = pn.widgets.TextInput(name="Your code, only to continue a test that you started", max_length=12, **fields)

        def enter(*_: Any) -> None:
            try:
                self.enter(name.value_input or name.value, code.value_input or code.value)
            except CopperError as error:
                self._show_error(error)
            except OSError as error:
                self._show_not_saved(error)

        for field in (name, code):
            field.param.watch(enter, "enter_pressed")
        self._show_message(
            ("login",),
            _text(messages.welcome(self.test), **_STRETCHED),
            name,
            code,
            _button("Begin", enter, "primary", width=160),
        )

    def enter(self, name: str, code: str) -> None:
        """Registers a new rater, or resumes the session of a known one.

        Args:
            name: of the rater.
            code: of a rater who comes back.

        Raises:
            CopperError: if the name is invalid, or taken and the code is wrong or tried too often.
            OSError: if nothing can be saved.
        """
        rater = clean_name(name)
        exists = AnswerLog.exists(self.test, rater)
        log = self._resume(rater, code) if exists else AnswerLog.register(self.test, rater)
        self.session = Session(log)
        self.update()

    def _resume(self, rater: str, code: str) -> AnswerLog:
        self._guesses.check(rater)
        try:
            log = AnswerLog.resume(self.test, rater, code)
        except WrongCodeError:
            self._guesses.add_wrong(rater)
            raise
        self._guesses.forget(rater)
        return log

    def perform(self, action: str, *arguments: Any) -> None:
        """Performs an action of the session and updates the page.

        Args:
            action: the name of a method of `Session`.
            arguments: of that method.
        """
        if self.session is None:
            return
        try:
            getattr(self.session, action)(*arguments)
            self.update()
        except CopperError as error:
            # Another window of this rater is ahead: what is saved counts, where it can be read.
            with contextlib.suppress(CopperError):
                self.session = Session(self.session.log)
                self.update()
            self._show_error(error)
        except OSError as error:
            self._show_not_saved(error)

    def on_key(self, key: str) -> None:
        """Performs the action of a key.

        Args:
            key: as browsers name it.
        """
        try:
            self._press(key)
        except CopperError as error:
            self._show_error(error)

    def _press(self, key: str) -> None:
        session = self.session
        if session is None:
            return
        if key.lower() == "p" and session.stage == ROUND:
            return self.perform("pause", not session.paused)
        if session.paused:
            return self.perform("pause", False) if key == "Enter" else None
        if key == "Enter":
            return self.perform("start" if session.stage == READY else "forward")
        if key.lower() == "s" and session.reviewing and not session.unanswered:
            return self.perform("submit")
        moves = {"ArrowUp": "back", "ArrowDown": "forward", "ArrowLeft": "previous_label", "ArrowRight": "next_label"}
        if key in moves and session.stage in (PRACTICE, ROUND):
            return self.perform(moves[key])
        if key in "0123456789.":
            label = self._typed.add(key)
            if label is not None:
                self.perform("choose", label)
        return None

    def update(self) -> None:
        """Shows the state of the session."""
        session = self.session
        if session is None:
            return
        self._message.object = ""
        picture = session.stage in (PRACTICE, ROUND) and not session.paused and not session.reviewing
        self._footer.visible = picture
        self._pause.visible, self._skip.visible = picture and session.stage == ROUND, session.stage == PRACTICE
        if picture:
            self._update_picture(session)
        else:
            self._update_message(session)
        # Last, so that a rater who sees the new header can press keys: no field of the old message takes them any more.
        self._header.object = messages.header(session)

    def _show_error(self, error: CopperError) -> None:
        # No page tells where its server keeps things.
        reason = html.escape(str(error).split(" Received: ")[0].replace(str(self.test.path), "the test"))
        self._message.object = f'<p class="warning">{reason}</p>'

    def _show_not_saved(self, error: OSError) -> None:
        """Says that the last action was in vain; what is shown stays what is saved."""
        _LOG.error("an answer could not be saved: %s", error)
        reason = "its disk is full" if is_disk_full(error) else "its folder can't be written"
        self._message.object = (
            f'<p class="warning">This was not saved: the server can\'t keep answers now, {reason}. '
            "What was saved before is safe. Tell who runs the test, and try again.</p>"
        )

    def _show_message(self, content: tuple[Any, ...], *components: Any) -> None:
        """Shows a message in the middle of the page, unless it is there already."""
        if content != self._shown:
            self._shown = content
            styles = {"gap": "14px", "margin": "8vh auto 0", "max-width": "620px"}
            self._body[:] = [pn.Column(*components, styles=styles, margin=0, sizing_mode="stretch_width")]

    def _update_message(self, session: Session) -> None:
        unanswered = session.unanswered if session.stage == ROUND else 0
        content = (session.stage, session.round, session.paused, session.reviewing, unanswered)
        if session.stage == DONE:
            self._show_message(content, _text(messages.finished(), **_STRETCHED))
        elif session.stage == READY:
            buttons = [_button("Start", partial(self.perform, "start"), "primary", width=160)]
            if session.round == ROUNDS[0]:
                buttons.append(_button("Practise again", partial(self.perform, "practise_again"), width=160))
            self._show_message(content, _text(messages.ready(session), **_STRETCHED), row(*buttons, gap=12))
        elif session.paused:
            resume = _button("Resume", partial(self.perform, "pause", False), "primary", width=160)
            self._show_message(content, _text(messages.paused(session), **_STRETCHED), resume)
        else:
            buttons = [_button("Back", partial(self.perform, "back"), width=110)]
            follow = ("forward", "Go to it") if session.unanswered else ("submit", "Submit")
            buttons.append(_button(follow[1], partial(self.perform, follow[0]), "primary", width=160))
            self._show_message(content, _text(messages.review(session), **_STRETCHED), row(*buttons, gap=12))

    def _update_picture(self, session: Session) -> None:
        content = (session.stage, session.round, session.repetition, session.position)
        if content != self._shown:
            self._shown = content
            self._typed.reset()
            self._body[:] = self._figures(session)
        question, keys = messages.footer(session)
        self._question.object, self._key_help.object = question, keys
        for label, choice in enumerate(self._scale):
            classes = _classes(session, label)
            if choice.css_classes != classes:
                choice.css_classes = classes
        self._back.visible = session.stage == ROUND
        self._next.name = "Check" if session.stage == PRACTICE and not session.revealed else "Next"

    def _figures(self, session: Session) -> list[Any]:
        folder = "practice" if session.stage == PRACTICE else "pictures"
        first = micrograph_figure(self.test.png(folder, session.number))
        if session.stage == PRACTICE or session.round == ROUNDS[0]:
            return [_pane(first)]
        second = micrograph_figure(self.test.png("maps", session.number), first)
        pair = pn.Row(_pane(first), _pane(second), sizing_mode="stretch_both", margin=0, styles={"gap": "14px"})
        return [pair, _text(colour_scale(*self.test.labels.names[:: len(self.test.labels.names) - 1]), **_STRETCHED)]


def _pane(plot: Any) -> pn.pane.Bokeh:
    return pn.pane.Bokeh(plot, sizing_mode="stretch_both", margin=0)


def _classes(session: Session, label: int) -> list[str]:
    """The CSS classes of the button of a label."""
    if session.truth is not None:
        return ["large", *(["true"] if label == session.truth else ["missed"] if label == session.choice else [])]
    return ["large", "chosen"] if label == session.choice else ["large"]
