"""Words for units of time in the languages of those who etch copper, and what else numbers in names may count.

A table and not pint or Babel: pint knows English words only, Babel (CLDR) takes ``m``, ``j`` and ``t`` for units of
time and knows no ``個半小時``, and neither finds a unit in ``30minEtched`` or ``30分浸漬``, which is the hard part.
"""

from __future__ import annotations

import unicodedata

__all__ = [
    "AMBIGUOUS",
    "FILLERS",
    "LIMITS",
    "NOT_TIMES",
    "ORDINALS",
    "SECONDS",
    "THINGS",
    "TIME_WORDS",
    "WORDS",
    "script",
]

# Seconds in each unit. A month is a twelfth of a year of 365.25 days.
SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "mo": 2629800.0, "y": 31557600.0}


def _table(words_of: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """The key of each word."""
    normal = unicodedata.normalize
    return {normal("NFKC", word): key for key, lines in words_of.items() for line in lines for word in line.split()}


# English; German, Dutch; French; Spanish, Portuguese, Italian; Polish, Russian; Japanese, Chinese; Korean.
WORDS = _table({
    "s": (
        "s sec secs second seconds sek sekunde sekunden seconden seconde secondes",
        "segundo segundos seg secondo secondi sekunda sekundy sekund с сек секунда секунды секунд",
        "秒 秒間 秒间 秒钟 秒鐘 초 초간",
    ),
    "min": (
        "min mins minute minutes minuten minuut minuto minutos minuti minuta minuty minut мин минута минуты минут",
        "分 分間 分间 分钟 分鐘 분 분간",
    ),
    "h": (
        "h hr hrs hour hours std stdn stunde stunden uur uren heure heures hora horas ora ore",
        "godz godzina godziny godzin ч час часа часов",
        "時間 时间 小时 小時 个小时 個小時 钟头 鐘頭 个钟头 個鐘頭 시간",
    ),
    "d": (
        "d day days tag tage tagen dag dagen jour jours día dias días dia giorno giorni",
        "dzień dni д день дня дней сут суток 日 日間 日间 天 일 일간",
    ),
    "w": (
        "w wk wks week weeks woche wochen weken semaine semaines semana semanas settimana settimane",
        "tydzień tygodnie tygodni нед неделя недели недель",
        "週 週間 周 周間 周间 星期 个星期 個星期 주 주간 주일",
    ),
    "mo": (
        "mo mos month months monat monate monaten maand maanden mois mes meses mês mese mesi",
        "miesiąc miesiące miesięcy мес месяц месяца месяцев",
        "ヶ月 ケ月 か月 カ月 ヵ月 箇月 ヶ月間 ケ月間 か月間 カ月間 ヵ月間 箇月間 个月 個月 개월",
    ),
    "y": ("y yr yrs year years jahr jahre jahren jaar ans année années año años", "ano anos anno anni лет года 年間 年间"),
})  # fmt: skip
# What may be a unit of time and may be something else; as they are written, not in lower case.
AMBIGUOUS = {
    "m": "minutes (min), months (mo) or metres",
    "M": "minutes (min), months (mo) or mol/l",
    "W": "weeks (w) or watts",
    "j": "days (d)",
    "J": "days (d) or years (y)",
    "T": "days (d)",
    "Tg": "days (d)",
    "t": "hours (h)",
    "u": "hours (h)",
    "mn": "minutes (min)",
    "n": "nights",
    "a": "years (y)",
    "an": "years (y)",
    "sem": "weeks (w)",
    "mon": "months (mo)",
    "ms": "milliseconds, which are written in s here",
    "時": "hours (時間) or a time of day",
    "时": "hours (小时) or a time of day",
    "시": "hours (시간) or a time of day",
    "点": "hours (小时) or a time of day",
    "點": "hours (小時) or a time of day",
    "刻": "quarters of an hour",
    "月": "months (ヶ月, 个月) or a date",
    "월": "months (개월) or a date",
    "年": "years (年間) or a date",
    "년": "years (y) or a date",
    "号": "a date",
    "號": "a date",
}
# Units of other things; as they are written.
NOT_TIMES = _table({
    "a voltage": ("V kV KV kv keV eV MV mV volt volts",),
    "a current": ("A mA µA uA nA pA",),
    "a temperature or an angle": ("°C °F ° C K degC deg grad 度",),
    "a length": ("pm nm µm um mm cm km in inch mil px pix pixel",),
    "a magnification": ("x X × k K× kx kX Kx KX k× 倍 배",),
    "a concentration": ("% ‰ wt vol ppm ppb mM mol pH N",),
    "an amount": ("g mg kg µg l L ml mL µl µL",),
    "a pressure": ("Pa kPa hPa MPa mPa bar mbar torr Torr",),
    "a count": ("rpm Hz kHz MHz dpi bit 枚 個 回 番 张 个 개 장",),
    "an ordinal": ("st nd rd th",),
})  # fmt: skip
# Words before a number that count something else than time.
THINGS = _table({
    "a magnification": ("x × mag magnification 倍率",),
    "the number of a sample": (
        "s sp sample samples specimen probe proben muestra échantillon próbka образец",
        "coupon wafer plate sheet foil chip piece 試料 サンプル 样品 樣品 试样 시료 샘플",
    ),
    "a running number": (
        "no nr num number nummer n° # № lot batch charge run exp experiment test versuch id ver version rev v p pos",
        "position site spot area field image images img pic picture foto photo sem ch channel folder dir",
        "ロット 批次 写真 画像 图 图片 사진",
    ),
    "a date": ("date datum 日付 日期 날짜",),
    "a voltage": ("kv ht hv eht acc",),
    "a distance": ("wd",),
    "a temperature": ("temp temperature 温度 온도",),
    "a concentration": ("ph conc",),
})  # fmt: skip
# Words that say that a number is a stress time, and none of its unit.
TIME_WORDS = frozenset({"t", "time", "zeit", "temps", "tiempo", "tempo", "age", "aging", "ageing", "stress"})
# Words that say nothing of a unit, and may stand glued to one: 30minetched.
FILLERS = frozenset(_table({
    "": (
        "aged aging ageing age old etched etch etching etchant dip dipped dipping immersed immersion",
        "soak soaked soaking bath exposed exposure treated treatment stressed stress after post total fresh initial new start end control",
        "reference ref blank sem copper cu for at in of with copy ca about approx",
        "geätzt geaetzt ätzen ätzung alt gealtert nach neu après gravé attaqué",
    ),
}))  # fmt: skip
# Behind a unit these make an ordinal or a limit of an elapsed time: 3日目 is the 3rd day.
ORDINALS = ("目", "め", "番", "째", "차")
LIMITS = tuple(_table({
    "": (
        "前 まえ 之前 以前 以内 以上 以下 未満 未滿 未满 超 弱 強 强 毎 每 おき ごと",
        "전 이전 이내 이상 이하 미만 초과 마다",
        "before ago prior vor avant left",
    ),
}))  # fmt: skip


def script(character: str) -> str:
    """The script of a letter, such as ``LATIN``, ``CJK`` or ``HANGUL``; empty for what is no letter."""
    return unicodedata.name(character, "").partition(" ")[0] if character.isalpha() else ""
