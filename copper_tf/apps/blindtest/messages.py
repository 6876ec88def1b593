"""What the page says between the pictures, and beneath them."""

from __future__ import annotations

import html

from copper_tf.analysis.blindtest.folder import ROUNDS, BlindTest
from copper_tf.apps.blindtest.session import PRACTICE, ROUND, Sitting

__all__ = ["beneath", "done", "head", "join", "paused", "ready", "review"]

_WITHOUT, _WITH = ROUNDS


def _card(kind: str, title: str, *paragraphs: str) -> str:
    """Paragraphs are HTML; kind and title are text."""
    text = "".join(f"<p>{p}</p>" for p in paragraphs if p)
    return f'<p class="kind">{html.escape(kind)}</p><h1>{html.escape(title)}</h1>{text}'


def _pictures(count: int) -> str:
    return f"{count} picture{'s' if count != 1 else ''}"


def join(test: BlindTest) -> str:
    """Before anyone has said who she is."""
    second = ", and then the same pictures once more with a potency map beside each" if test.with_map else ""
    return _card(
        "Blind test",
        "How long was the bath stressed?",
        f"First you practise on {_pictures(len(test.practice))}, with the true answer shown after each. Then you grade "
        f"{_pictures(test.pictures)} without being told{second}.",
        "Every answer is saved at once. You may close this page at any time and go on later.",
    )


def _code(sitting: Sitting) -> str:
    return f"<code>{html.escape(sitting.book.code)}</code>"


def ready(sitting: Sitting) -> str:
    """Before a round begins."""
    count = _pictures(sitting.test.pictures)
    if sitting.round == _WITHOUT:
        return _card(
            "Practice is over",
            "Ready for the blind test?",
            f"{count}, in an order of your own. Nothing tells you whether an answer was right. Answers can be changed "
            "until you submit them all at the end. The time for each picture is recorded: press <kbd>P</kbd> to pause.",
            f"To go on after a break you need your name and this code: {_code(sitting)}",
        )
    names = sitting.test.labels.names
    return _card(
        "Second round",
        "The same pictures, with a map",
        f"{count} in another order. Beside each stands the potency map that the model drew: "
        f"blue looks to it like the surface at the first stress time ({html.escape(names[0])}), red like that at the "
        f"last ({html.escape(names[-1])}). The map may be wrong: answer what you believe.",
        f"Your code, to go on after a break: {_code(sitting)}",
    )


def review(sitting: Sitting) -> str:
    """At the end of a round."""
    if sitting.open:
        return _card(
            "End of the round",
            f"{_pictures(sitting.open)} without an answer",
            "All need one before you can submit. <kbd>Enter</kbd> goes to the first of them.",
        )
    return _card(
        "End of the round",
        f"All {_pictures(len(sitting.order))} have an answer",
        "<kbd>↑</kbd> goes back, if you want to change any. <kbd>S</kbd> submits: after that nothing can be changed.",
    )


def paused(sitting: Sitting) -> str:
    """While no time counts."""
    return _card(
        "Paused",
        "No time is counted",
        f"{len(sitting.order) - sitting.open} of {_pictures(len(sitting.order))} answered and saved. You may close "
        f"this page; to go on later you need your name and this code: {_code(sitting)}",
    )


def done() -> str:
    """After the last round."""
    return _card(
        "Blind test",
        "Submitted. Thank you!",
        "All your answers are saved, and you may close this page.",
        '<span class="soft">Results are drawn by <code>copper blindtest TEST --score</code> once all raters are '
        "through.</span>",
    )


def head(sitting: Sitting) -> str:
    """Where the rater is, and who she is."""
    who = f'<span class="soft">{html.escape(sitting.book.rater)} · code {_code(sitting)}</span>'
    order, place = sitting.order, sitting.place
    if sitting.stage == PRACTICE:
        told, filled = "Practice", [k < place or (k == place and sitting.revealed) for k in range(len(order))]
    elif sitting.stage == ROUND:
        answers = sitting.state.answers
        told, filled = "Blind test", [number in answers for number in order]
        if len(sitting.test.rounds) > 1:
            told += f", {sitting.round}"
    else:
        return f'<div class="head"><span></span>{who}</div>'
    here = -1 if sitting.reviewing else place
    squares = "".join(
        f'<i class="{"done" if full else "open"}{" here" if k == here else ""}"></i>' for k, full in enumerate(filled)
    )
    count = "" if sitting.reviewing else f" · picture {place + 1} of {len(order)}"
    return f'<div class="head"><b>{told}{count}</b><div class="strip">{squares}</div>{who}</div>'


def _judged(sitting: Sitting, truth: int) -> str:
    names, chosen = sitting.test.labels.names, sitting.chosen
    true = f"true: {html.escape(names[truth])}"
    if chosen is None or chosen == truth:
        return f'<span class="right">Right</span>, {true}'
    off = abs(chosen - truth)
    steps = f"{off} step{'s' if off > 1 else ''} too {'long' if chosen > truth else 'short'}"
    return f'<span class="wrong">{steps[0].upper()}{steps[1:]}</span>: you said {html.escape(names[chosen])}, {true}'


def beneath(sitting: Sitting) -> tuple[str, str]:
    """(question or verdict, keys) under the picture."""
    unit = sitting.test.labels.unit
    if sitting.truth is not None:
        return _judged(sitting, sitting.truth), "<kbd>Enter</kbd> next picture"
    question = f"Stress time t{f' ({html.escape(unit)})' if unit else ''}?"
    keys = "type the number, or <kbd>←</kbd> <kbd>→</kbd>, or click · wheel zooms, dragging moves the picture"
    if sitting.stage == PRACTICE:
        return question, f"{keys} · <kbd>Enter</kbd> shows the true answer"
    return question, f"{keys} · <kbd>Enter</kbd> or <kbd>↓</kbd> next · <kbd>↑</kbd> back · <kbd>P</kbd> pause"
