"""The web page of a blind test: one for each window that opens it, driven by keys or clicks."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn

from copper_tf.analysis.blindtest.answers import AnswerBook, clean_name
from copper_tf.analysis.blindtest.folder import ROUNDS, BlindTest
from copper_tf.apps.blindtest import messages
from copper_tf.apps.blindtest.keys import Keys, TypedLabel
from copper_tf.apps.blindtest.session import DONE, PRACTICE, READY, ROUND, Sitting
from copper_tf.apps.blindtest.styles import BUTTONS, FIELDS, TEXT, VIEW, map_scale, micrograph
from tfds_copper.errors import CopperError

__all__ = ["Page"]

_WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}


def _text(text: str = "", **params: Any) -> pn.pane.HTML:
    return pn.pane.HTML(text, stylesheets=[TEXT], **{"margin": 0, **params})


def _button(name: str, pressed: Callable[[], None], *classes: str, **params: Any) -> pn.widgets.Button:
    made = pn.widgets.Button(name=name, css_classes=list(classes), stylesheets=[BUTTONS], **{"margin": 0, **params})
    made.on_click(lambda _: pressed())
    return made


def _row(*parts: Any, gap: int = 12, **params: Any) -> pn.Row:
    return pn.Row(*parts, styles={"gap": f"{gap}px", "align-items": "center"}, **{**_WIDE, **params})


class Page:
    """The page of one browser window; every window has one of its own, so raters don't disturb each other.

    What it sends is the label scale, the pixels of the picture that is shown and, of practice pictures that were
    answered, the true label. The key of the test is never read here.

    Args:
        test: the test.

    Attributes:
        view: what the server shows.
        sitting: of the rater, None before she has said who she is.
    """

    def __init__(self, test: BlindTest) -> None:
        self.test = test
        self.sitting: Sitting | None = None
        self._shown: Any = None
        names = [f"{t:g}" for t in test.labels.times]
        self._typed = TypedLabel(names)
        self._head, self._message = _text(align="center", **_WIDE), _text(**_WIDE)
        self._pause = _button("Pause", partial(self.act, "pause", True), width=96, align="center")
        self._scale = [_button(n, partial(self.act, "choose", k), **_WIDE) for k, n in enumerate(names)]
        self._question, self._keys = _text(css_classes=["question"], **_WIDE), _text(css_classes=["keys"], **_WIDE)
        self._back = _button("Back", partial(self.act, "back"), width=96)
        self._next = _button("Next", partial(self.act, "forward"), "main", width=150)
        self._skip = _button("End practice", partial(self.act, "end_practice"), width=130)
        labels = _row(*self._scale, gap=6)
        self._foot = pn.Column(self._question, _row(self._back, labels, self._next), self._keys, visible=False, **_WIDE)
        self._foot.styles = {"gap": "8px"}
        self._body = pn.Column(margin=0, sizing_mode="stretch_both")
        listening = Keys(self.pressed, width=0, height=0, margin=0, styles={"position": "absolute"})
        top = _row(self._head, self._skip, self._pause, listening, height=44)
        self.view = pn.Column(top, self._message, self._body, self._foot, stylesheets=[VIEW], css_classes=["page"])
        self.view.margin, self.view.sizing_mode = 0, "stretch_both"
        self._skip.visible = self._pause.visible = False
        self._join()

    def _join(self) -> None:
        """Asks who is there."""
        fields: dict[str, Any] = {"width": 340, "margin": 0, "stylesheets": [FIELDS]}
        name = pn.widgets.TextInput(name="Your name", max_length=60, **fields)
        code = pn.widgets.TextInput(name="Your code, only to go on with a test that you began", max_length=12, **fields)

        def enter(*_: Any) -> None:
            try:
                self.enter(name.value_input or name.value, code.value_input or code.value)
            except CopperError as error:
                self._say(error)

        for field in (name, code):
            field.param.watch(enter, "enter_pressed")
        self._show(
            ("join",),
            _text(messages.join(self.test), width=600),
            name,
            code,
            _button("Begin", enter, "main", width=160),
        )

    def enter(self, name: str, code: str) -> None:
        """Lets a new rater begin, or one with her code go on.

        Raises:
            CopperError: if the name can't be one, or is taken and the code is not its own.
        """
        rater = clean_name(name)
        known = AnswerBook.known(self.test, rater)
        book = AnswerBook.resume(self.test, rater, code) if known else AnswerBook.enrol(self.test, rater)
        self.sitting = Sitting(book)
        self.update()

    def act(self, what: str, *arguments: Any) -> None:
        """Does something to the sitting and shows what came of it.

        Args:
            what: the name of one of its methods.
            arguments: of that method.
        """
        if self.sitting is None:
            return
        try:
            getattr(self.sitting, what)(*arguments)
        except CopperError as error:
            # Another window of this rater has gone on: what is saved counts.
            self.sitting = Sitting(self.sitting.book)
            self.update()
            self._say(error)
            return
        self.update()

    def pressed(self, key: str) -> None:
        """Does what a key stands for where the rater is.

        Args:
            key: as browsers call it.
        """
        at = self.sitting
        if at is None:
            return
        if key.lower() == "p" and at.stage == ROUND:
            return self.act("pause", not at.paused)
        if at.paused:
            return self.act("pause", False) if key == "Enter" else None
        if key == "Enter":
            return self.act("start" if at.stage == READY else "forward")
        if key.lower() == "s" and at.reviewing and not at.open:
            return self.act("submit")
        moves = {"ArrowUp": "back", "ArrowDown": "forward", "ArrowLeft": "earlier", "ArrowRight": "later"}
        if key in moves and at.stage in (PRACTICE, ROUND):
            return self.act(moves[key])
        if key in "0123456789.":
            label = self._typed.add(key)
            if label is not None:
                self.act("choose", label)
        return None

    def update(self) -> None:
        """Brings the page to where the sitting is."""
        at = self.sitting
        if at is None:
            return
        self._message.object = ""
        picture = at.stage in (PRACTICE, ROUND) and not at.paused and not at.reviewing
        self._foot.visible = picture
        self._pause.visible, self._skip.visible = picture and at.stage == ROUND, at.stage == PRACTICE
        if picture:
            self._picture(at)
        else:
            self._card(at)
        # Last: who reads where she is can press keys there, as no field of the card before takes them any more.
        self._head.object = messages.head(at)

    def _say(self, error: CopperError) -> None:
        text = html.escape(str(error).split(" Received: ")[0])
        self._message.object = f'<p class="warn">{text}</p>'

    def _show(self, what: tuple[Any, ...], *parts: Any) -> None:
        """Puts a card into the middle of the page, unless it is there already."""
        if what != self._shown:
            self._shown = what
            gap = {"gap": "14px", "margin": "8vh auto 0"}
            self._body[:] = [pn.Column(*parts, styles=gap, width=620, margin=0, sizing_mode=None)]

    def _card(self, at: Sitting) -> None:
        what = (at.stage, at.round, at.paused, at.reviewing, at.open if at.stage == ROUND else 0)
        if at.stage == DONE:
            self._show(what, _text(messages.done()))
        elif at.stage == READY:
            parts = [_button("Start", partial(self.act, "start"), "main", width=160)]
            if at.round == ROUNDS[0]:
                parts.append(_button("Practise again", partial(self.act, "practise_again"), width=160))
            self._show(what, _text(messages.ready(at)), _row(*parts))
        elif at.paused:
            self._show(
                what, _text(messages.paused(at)), _button("Go on", partial(self.act, "pause", False), "main", width=160)
            )
        else:
            parts = [_button("Back", partial(self.act, "back"), width=110)]
            follow = ("forward", "Go to it") if at.open else ("submit", "Submit")
            parts.append(_button(follow[1], partial(self.act, follow[0]), "main", width=160))
            self._show(what, _text(messages.review(at)), _row(*parts))

    def _picture(self, at: Sitting) -> None:
        what = (at.stage, at.round, at.turn, at.place)
        if what != self._shown:
            self._shown = what
            self._typed.forget()
            self._body[:] = self._pictures(at)
        question, keys = messages.beneath(at)
        self._question.object, self._keys.object = question, keys
        for label, button in enumerate(self._scale):
            classes = _classes(at, label)
            if button.css_classes != classes:
                button.css_classes = classes
        self._back.visible = at.stage == ROUND
        self._next.name = "Check" if at.stage == PRACTICE and not at.revealed else "Next"

    def _pictures(self, at: Sitting) -> list[Any]:
        folder = "practice" if at.stage == PRACTICE else "pictures"
        first = micrograph(self.test.shown(folder, at.number))
        if at.stage == PRACTICE or at.round == ROUNDS[0]:
            return [_bokeh(first)]
        second = micrograph(self.test.shown("maps", at.number), first)
        pair = pn.Row(_bokeh(first), _bokeh(second), sizing_mode="stretch_both", margin=0, styles={"gap": "14px"})
        return [pair, _text(map_scale(*self.test.labels.names[:: len(self.test.labels.names) - 1]), **_WIDE)]


def _bokeh(drawn: Any) -> pn.pane.Bokeh:
    return pn.pane.Bokeh(drawn, sizing_mode="stretch_both", margin=0)


def _classes(at: Sitting, label: int) -> list[str]:
    """How the button of a label looks."""
    if at.truth is not None:
        return ["true"] if label == at.truth else ["missed"] if label == at.chosen else []
    return ["chosen"] if label == at.chosen else []
