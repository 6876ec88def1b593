"""The texts of the page, as HTML: between the pictures, and under them."""

from __future__ import annotations

import html

from copper_tf.analysis.blindtest.folder import ROUNDS, BlindTest
from copper_tf.apps.blindtest.session import PRACTICE, ROUND, Session

__all__ = ["finished", "footer", "header", "paused", "ready", "review", "welcome"]


def _message(kind: str, title: str, *paragraphs: str) -> str:
    """Paragraphs are HTML; kind and title are plain text."""
    body = "".join(f"<p>{p}</p>" for p in paragraphs if p)
    return f'<p class="kind">{html.escape(kind)}</p><h1>{html.escape(title)}</h1>{body}'


def _pictures(count: int) -> str:
    return f"{count} picture{'s' if count != 1 else ''}"


def welcome(test: BlindTest) -> str:
    """Before the rater has entered a name."""
    second = ", and then the same pictures once more with a potency map beside each" if test.settings.with_map else ""
    return _message(
        "Blind test",
        "How long was the bath under stress?",
        f"First you practise on {_pictures(len(test.practice))} and see the true answer after each. Then you grade "
        f"{_pictures(test.pictures)} without seeing any answers{second}.",
        "Every answer is saved at once. You can close this page at any time and continue later.",
    )


def _code(session: Session) -> str:
    return f"<code>{html.escape(session.log.code)}</code>"


def ready(session: Session) -> str:
    """Before a round."""
    count = _pictures(session.test.pictures)
    if session.round == ROUNDS[0]:
        return _message(
            "Practice is over",
            "Ready for the blind test?",
            f"{count}, in an order of your own. You won't see whether an answer is right. You can change answers until "
            "you submit them all at the end. The time for each picture is recorded; press <kbd>P</kbd> to pause.",
            f"To continue after a break you need your name and this code: {_code(session)}",
        )
    names = session.test.labels.names
    return _message(
        "Second round",
        "The same pictures, with a map",
        f"{count} in another order, each beside the potency map of the model: to the model, blue areas look like the "
        f"surface at the first stress time ({html.escape(names[0])}), red areas like that at the last "
        f"({html.escape(names[-1])}). The map may be wrong: answer what you believe.",
        f"Your code, to continue after a break: {_code(session)}",
    )


def review(session: Session) -> str:
    """At the end of a round."""
    if session.unanswered:
        return _message(
            "End of the round",
            f"{_pictures(session.unanswered)} without an answer",
            "Every picture needs an answer before you can submit. <kbd>Enter</kbd> goes to the first one without.",
        )
    return _message(
        "End of the round",
        f"All {_pictures(len(session.order))} have an answer",
        "<kbd>↑</kbd> goes back if you want to change an answer. <kbd>S</kbd> submits; after that nothing can be "
        "changed.",
    )


def paused(session: Session) -> str:
    """While no time is counted."""
    return _message(
        "Paused",
        "No time is counted",
        f"{len(session.order) - session.unanswered} of {_pictures(len(session.order))} answered and saved. You can "
        f"close this page; to continue later you need your name and this code: {_code(session)}",
    )


def finished() -> str:
    """After the last round."""
    return _message(
        "Blind test",
        "Submitted. Thank you!",
        "All your answers are saved, and you can close this page.",
        '<span class="muted">When all raters have finished, <code>copper blindtest TEST --score</code> shows the '
        "results.</span>",
    )


def header(session: Session) -> str:
    """The progress, and the name of the rater."""
    rater = f'<span class="muted">{html.escape(session.log.rater)} · code {_code(session)}</span>'
    order, position = session.order, session.position
    if session.stage == PRACTICE:
        title = "Practice"
        answered = [k < position or (k == position and session.revealed) for k in range(len(order))]
    elif session.stage == ROUND:
        answers = session.state.answers
        title, answered = "Blind test", [number in answers for number in order]
        if len(session.test.rounds) > 1:
            title += f", {session.round}"
    else:
        return f'<div class="header"><span></span>{rater}</div>'
    current = -1 if session.reviewing else position
    squares = "".join(
        f'<i class="{"answered" if done else "open"}{" current" if k == current else ""}"></i>'
        for k, done in enumerate(answered)
    )
    count = "" if session.reviewing else f" · picture {position + 1} of {len(order)}"
    return f'<div class="header"><b>{title}{count}</b><div class="progress">{squares}</div>{rater}</div>'


def _feedback(session: Session, truth: int) -> str:
    names, choice = session.test.labels.names, session.choice
    true = f"true: {html.escape(names[truth])}"
    if choice is None or choice == truth:
        return f'<span class="correct">Correct</span>, {true}'
    off = abs(choice - truth)
    steps = f"{off} step{'s' if off > 1 else ''} too {'long' if choice > truth else 'short'}"
    return f'<span class="wrong">{steps[0].upper()}{steps[1:]}</span>: you chose {html.escape(names[choice])}, {true}'


def footer(session: Session) -> tuple[str, str]:
    """(question or feedback, keys) under the picture."""
    unit = session.test.labels.unit
    if session.truth is not None:
        return _feedback(session, session.truth), "<kbd>Enter</kbd> next picture"
    question = f"Stress time t{f' ({html.escape(unit)})' if unit else ''}?"
    keys = "type the number, press <kbd>←</kbd> <kbd>→</kbd>, or click · the wheel zooms, dragging pans"
    if session.stage == PRACTICE:
        return question, f"{keys} · <kbd>Enter</kbd> shows the true answer"
    return question, f"{keys} · <kbd>Enter</kbd> or <kbd>↓</kbd> next · <kbd>↑</kbd> back · <kbd>P</kbd> pause"
