"""What microscopes write into tags and sidecars, and what is made of it."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile

from tfds_copper.micrograph.record import Metadata
from tfds_copper.micrograph.vendors.registry import sidecar_metadata, tiff_metadata

NOT_SQUARE = "PixelHeight=2e-09 (pixels are not square)"
MANY_DIGITS = "9" * 10_000
ZEISS, FEI, TESCAN = 34118, 34682, 50431


def known(metadata: Metadata | None) -> dict[str, Any] | None:
    return None if metadata is None else metadata.known()


def in_tiff(folder: Path, code: int, content: str | bytes, shape: tuple[int, int] = (48, 64)) -> dict[str, Any] | None:
    """What is read from a TIFF with one vendor tag."""
    data = content.encode("cp1252") if isinstance(content, str) else content
    path = folder / "picture.tif"
    tifffile.imwrite(path, np.zeros(shape, np.uint8), extratags=[(code, 1, len(data), data, True)])
    with tifffile.TiffFile(path) as tiff:
        return known(tiff_metadata(tiff))


def of_tag(code: int, value: Any) -> dict[str, Any] | None:
    """What is read from a tag that tifffile gave another type."""
    page = SimpleNamespace(tags={code: SimpleNamespace(value=value)}, imagewidth=64, imagelength=48)
    return known(tiff_metadata(SimpleNamespace(pages=[page])))  # type: ignore[arg-type]


def beside(folder: Path, content: str | bytes, name: str = "picture.txt") -> dict[str, Any] | None:
    """What is read from a sidecar of picture.tif."""
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return known(sidecar_metadata(folder / "picture.tif"))


def zeiss(*lines: str) -> str:
    """A Zeiss tag: a few numbers without a name, then a key and its line in turn."""
    pairs = (line.partition("|") for line in lines)
    return "0\r\n0\r\n2.6e-06\r\n" + "".join(f"{key}\r\n{value}\r\n" for key, _, value in pairs)


def hitachi(*lines: str) -> str:
    """A Hitachi sidecar."""
    return "\r\n".join(("[SemImageFile]", "InstructName=SU8230", *lines, ""))


def jeol(*lines: str) -> str:
    """A JEOL sidecar."""
    return "\r\n".join(("$CM_FORMAT JEOL/SEM", "$CM_INSTRUMENT JSM-IT500", *lines, ""))


def only(vendor: str, *dropped: str, **fields: Any) -> dict[str, Any]:
    """What `Metadata.known` has to give."""
    return {"vendor": vendor, **fields, **({"dropped": list(dropped)} if dropped else {})}


# fmt: off
FEI_REAL = only(
    "FEI", pixel_size_nm=3372.4, magnification=119.99976834, voltage_kv=5, working_distance_mm=4.03466,
    detector="ETD", tilt_deg=0.000374999730998, rotation_deg=-135.281065008, stage_x_mm=0.02576, stage_y_mm=-0.194177,
    stage_z_mm=7.965, dwell_us=10, beam_current_pa=6.25, date="2016-06-13T17:06:40", width=512, height=442, bar_rows=29,
)
# Worked out by hand from the tags' text.
REAL: dict[str, dict[str, Any]] = {
    "FEI-Helios-Ebeam-8bits.tif": FEI_REAL,
    "FEI-Helios-Ebeam-16bits.tif": FEI_REAL,
    "tescan_1.tif": only(
        "Tescan", pixel_size_nm=4.537772, magnification=59999.851483, voltage_kv=1, working_distance_mm=3.847444,
        detector="E-T", tilt_deg=0.001, rotation_deg=30.001, stage_x_mm=0.00145, stage_y_mm=-13.496649,
        stage_z_mm=3.000001, dwell_us=3.2, beam_current_pa=100, date="2023-03-24T08:08:25", bar_rows=179,
    ),
    "test_tiff_Zeiss_SEM_1k.tif": only(
        "Zeiss", pixel_size_nm=2615, magnification=105, voltage_kv=25, working_distance_mm=14.808,
        detector="HE-SE2", tilt_deg=0, rotation_deg=10.2, stage_x_mm=75.6442, stage_y_mm=60.4901, stage_z_mm=25.193,
        dwell_us=0.05, beam_current_pa=1000, date="2015-12-23T09:40:32", width=1024,
    ),
    # No ap_image_pixel_size; its scale bar, 200 nm on 17.5 px, tells that ap_pixel_size is half of its pixels'.
    "test_tiff_Zeiss_SEM_512pix.tif": only(
        "Zeiss", pixel_size_nm=11.65, magnification=50000, voltage_kv=5, working_distance_mm=3.9,
        detector="InLens", tilt_deg=0, rotation_deg=245.8, stage_x_mm=62.9961, stage_y_mm=65.3168, stage_z_mm=44.678,
        date="2018-09-25T08:20:42",
    ),
    "zeiss_aquami_sample.tif": only(
        "Zeiss", pixel_size_nm=0.543, magnification=500000, voltage_kv=20, working_distance_mm=6.2,
        detector="InLens", tilt_deg=0, rotation_deg=310.4, stage_x_mm=53.5882, stage_y_mm=52.0321, stage_z_mm=26.191,
        dwell_us=0.1, beam_current_pa=200000, date="2016-07-11T15:54:11", width=1024,
    ),
}
# fmt: on


@pytest.mark.parametrize("name", REAL)
def test_real_files(shared: Path, name: str) -> None:
    with tifffile.TiffFile(shared / "vendor_sem" / name) as tiff:
        assert known(tiff_metadata(tiff)) == REAL[name]


def test_a_picture_without_vendor_tags_or_sidecar_has_no_metadata(tmp_path: Path) -> None:
    assert in_tiff(tmp_path, 65000, b"HV=5000\n") is None
    assert sidecar_metadata(tmp_path / "picture.tif") is None
    assert tiff_metadata(SimpleNamespace(pages=[])) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "nm"),
    [("543.0 pm", 0.543), ("5.825 nm", 5.825), ("2.615 µm", 2615), ("2.615 um", 2615), ("0.001 mm", 1000)],
)
def test_zeiss_pixel_size_in_each_unit(tmp_path: Path, written: str, nm: float) -> None:
    tag = zeiss(f"AP_IMAGE_PIXEL_SIZE|Image Pixel Size = {written}", "AP_PIXEL_SIZE|Pixel Size = 77 nm")
    assert in_tiff(tmp_path, ZEISS, tag) == only("Zeiss", pixel_size_nm=nm)


@pytest.mark.parametrize(
    ("shape", "store", "expected"),
    [
        ((384, 512), "", {"pixel_size_nm": 20.0}),
        ((768, 1024), "", {"pixel_size_nm": 10.0}),
        ((1536, 2048), "", {"pixel_size_nm": 5.0}),
        # A copy cut since keeps the tag: the stored size decides, and without one nothing can.
        ((48, 64), "2048 * 1536", {"pixel_size_nm": 5.0, "width": 2048}),
        ((48, 64), "", {"dropped": ["ap_pixel_size=10.0 nm"]}),
        ((512, 512), "", {"dropped": ["ap_pixel_size=10.0 nm"]}),
        ((384, 512), "all of it", {"pixel_size_nm": 20.0, "dropped": ["dp_image_store=all of it"]}),
        ((384, 512), "0 * 0", {"pixel_size_nm": 20.0, "dropped": ["dp_image_store=0"]}),
    ],
)
def test_zeiss_display_pixel_size_is_of_1024_px(
    tmp_path: Path, shape: tuple[int, int], store: str, expected: dict[str, Any]
) -> None:
    lines = ["AP_PIXEL_SIZE|Pixel Size = 10.0 nm"] + [f"DP_IMAGE_STORE|Store resolution = {store}"] * bool(store)
    assert in_tiff(tmp_path, ZEISS, zeiss(*lines), shape) == {"vendor": "Zeiss", **expected}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("AP_MAG|Mag =    105 X", only("Zeiss", magnification=105)),
        ("AP_MAG|Mag =  50.00 K X", only("Zeiss", magnification=50_000)),
        ("AP_MAG|Mag =  50.00 KX", only("Zeiss", magnification=50_000)),
        # tifffile loses this line of capitals; the target stands in for it.
        ("AP_ACTUALKV|EHT = 800 V\r\nAP_MANUALKV\r\nEHT Target = 800 V", only("Zeiss", voltage_kv=0.8)),
        ("AP_ACTUALKV|EHT = 401 kV", only("Zeiss", "ap_actualkv=401 kV")),
        ("AP_WD|WD = -3.0 mm", only("Zeiss", "ap_wd=-3.0 mm")),
        ("AP_STAGE_AT_T|Stage at T = 181.0 °", only("Zeiss", "ap_stage_at_t=181.0 °")),
        ("DP_DWELL_TIME|Dwell Time = 100 ns", only("Zeiss", dwell_us=0.1)),
        ("DP_DETECTOR_TYPE|Detector = Off", only("Zeiss")),
        ("AP_IMAGE_PIXEL_SIZE|Image Pixel Size = 5.8", only("Zeiss", "ap_image_pixel_size=5.8")),
        ("AP_IMAGE_PIXEL_SIZE|Image Pixel Size = 5.8 parsec", only("Zeiss", "ap_image_pixel_size=5.8 parsec")),
        ("AP_DATE|Date :24 Mar 2017", only("Zeiss", date="2017-03-24")),
        ("AP_DATE|Date :31 Feb 2017", only("Zeiss", "ap_date=31 Feb 2017")),
    ],
)
def test_zeiss_lines(tmp_path: Path, line: str, expected: dict[str, Any]) -> None:
    assert in_tiff(tmp_path, ZEISS, zeiss(line)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[Beam]\nHV=notafloat\n[EBeam]\nHV=5000\n", only("FEI", "HV=notafloat", voltage_kv=5)),
        ("[Beam]\nHV=nan\n", only("FEI", "HV=nan")),
        ("[Beam]\nHV=\n", only("FEI")),
        ("[Beam]\nHV=true\n", only("FEI", "HV=True")),
        (f"[Beam]\nHV={'9' * 4000}\n", only("FEI", f"HV={'9' * 18}...{'9' * 19}")),
        (f"[Beam]\nHV={MANY_DIGITS}\n", only("FEI", "HV=inf")),
        ("[Beam]\nBeam=IBeam\n[IBeam]\nHV=30000\n[EBeam]\nHV=5000\n", only("FEI", voltage_kv=30)),
        ("[Scan]\nPixelWidth=1e-9\nPixelHeight=1.004e-9\n", only("FEI", pixel_size_nm=1)),
        ("[Scan]\nPixelWidth=1e-9\nPixelHeight=2e-9\n", only("FEI", NOT_SQUARE, pixel_size_nm=1)),
        ("[Scan]\nPixelWidth=0\n[EScan]\nPixelWidth=2e-9\n", only("FEI", "PixelWidth=0", pixel_size_nm=2)),
        ("[Scan]\nPixelWidth=1e-14\n", only("FEI", "PixelWidth=1e-14")),
        ("[Stage]\nWorkingDistance=0.01\n", only("FEI", working_distance_mm=10)),
        ("[Stage]\nStageT=0.5235987755982988\nStageX=2\n", only("FEI", "StageX=2", tilt_deg=30)),
        ("[Image]\nResolutionX=1024\nResolutionY=883.5\n", only("FEI", "ResolutionY=883.5", width=1024)),
        ("[Image]\nResolutionX=-1\nResolutionY=0\n", only("FEI", "ResolutionX=-1", "ResolutionY=0")),
        ("[Detectors]\nName=T1\x07\n", only("FEI", detector="T1?")),
        (f"[Detectors]\nName={'T' * 99}\n", only("FEI", detector="T" * 59 + "…")),
        ("[User]\nDate=03/04/2019\nTime=12:00:01 AM\n", only("FEI", date="2019-03-04T00:00:01")),
        ("[User]\nDate=23/04/2019\nTime=12:30 PM\n", only("FEI", date="2019-04-23T12:30:00")),
        ("[User]\nDate=03/04/2019\nTime=25:00:00\n", only("FEI", "Time=25:00:00", date="2019-03-04")),
        ("[User]\nDate=01/01/1601\n", only("FEI", "Date=01/01/1601")),
        ("[PrivateFei]\nTimeOfCreation=13.06.2016 17:06:40\n", only("FEI", date="2016-06-13T17:06:40")),
    ],
)
@pytest.mark.parametrize("code", [34680, FEI])
def test_fei_lines(tmp_path: Path, code: int, text: str, expected: dict[str, Any]) -> None:
    assert in_tiff(tmp_path, code, text) == expected


TESCAN_LINES = b"PixelSizeX=2e-9\r\nPixelSizeY=2e-9\r\nImageStripSize=60\r\nDate=2014-10-27\r\nTime=14:05:09\r\n"
TESCAN_FOUND = {"pixel_size_nm": 2, "bar_rows": 60, "date": "2014-10-27T14:05:09"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"[MAIN]\r\n" + TESCAN_LINES + b"[SEM]\r\nHV=5000\r\n", only("Tescan", voltage_kv=5, **TESCAN_FOUND)),
        # The thumbnail holds what looks like a line, and the header's length a letter.
        (
            b"\x10\0\0\0\x01\0\xff\xd8HV=3\xff\0\xd9v\x04\0\0\x03\0" + TESCAN_LINES + b"HV=5000\n\0\0",
            only("Tescan", voltage_kv=5, **TESCAN_FOUND),
        ),
        (b"HV=\xe9\x01\n", only("Tescan", "HV=\ufffd?")),
        (b"ImageStripSize=1e99\n", only("Tescan", "ImageStripSize=1e99")),
        (b"PixelSizeX=" + MANY_DIGITS.encode(), only("Tescan", "PixelSizeX=" + "9" * 48 + "…")),
        (b"\x00\x01\x02", only("Tescan", r"50431=b'\x00\x01\x02'")),
    ],
)
def test_tescan_bytes(tmp_path: Path, data: bytes, expected: dict[str, Any]) -> None:
    assert in_tiff(tmp_path, TESCAN, data) == expected


@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        (ZEISS, b"AP_WD", only("Zeiss", "34118=b'AP_WD'")),
        (ZEISS, {"ap_wd": 3, "ap_mag": ("Mag",), "ap_actualkv": ("EHT", [5], 7)}, only("Zeiss", "ap_actualkv=[5]")),
        (ZEISS, {"ap_date": ("Date", 2017)}, only("Zeiss", "ap_date=2017")),
        (FEI, None, only("FEI", "34682=None")),
        (FEI, {"Beam": {"HV": 10**5000}}, only("FEI", "HV=a number of too many digits")),
        (FEI, {"Beam": "x", "Scan": {"PixelWidth": {}}, 7: 8}, only("FEI", "PixelWidth={}")),
        (FEI, {"Beam": {"Beam": ["EBeam"]}, "EBeam": {"WD": 0.01}}, only("FEI", working_distance_mm=10)),
        (TESCAN, "HV=5000\n", only("Tescan", voltage_kv=5)),
        (TESCAN, tuple(b"HV=5000\n"), only("Tescan", voltage_kv=5)),
        (TESCAN, (300, -1), only("Tescan", "50431=(300, -1)")),
        (TESCAN, 7.5, only("Tescan", "50431=7.5")),
    ],
)
def test_tags_of_another_type(code: int, value: Any, expected: dict[str, Any]) -> None:
    assert of_tag(code, value) == expected


# fmt: off
HITACHI_LINES = (
    "SampleName=銅 エッチング後", "DataSize=1280x960", "PixelSize=99.21875", "SignalName=SE(M)", "Magnification=1000",
    "AcceleratingVoltage=15000 Volt", "WorkingDistance=8100 um", "EmissionCurrent=10100 nA", "StagePositionX=55000000",
    "StagePositionY=-1500000", "StagePositionR=90", "StagePositionT=5", "Date=2019/03/04", "Time=17:06:40",
)
HITACHI = only(
    "Hitachi", width=1280, height=960, pixel_size_nm=99.21875, detector="SE(M)", magnification=1000,
    voltage_kv=15, working_distance_mm=8.1, stage_x_mm=55, stage_y_mm=-1.5, rotation_deg=90, tilt_deg=5,
    date="2019-03-04T17:06:40",
)
JEOL_LINES = (
    "$CM_TITLE 銅箔", "$CM_FULL_SIZE 1280 960", "$CM_MAG 5000", "$CM_ACCEL_VOLT 15.00", "$CM_DATE 03/04/2019",
    "$CM_TIME 05:06:40 PM", "$CM_SIGNAL SEI", "$CM_STAGE_POS 2.044 0.704 10.2 11.0 -5.0 0", "$$SM_WD 10.1",
    "$$SM_MICRON_BAR 160", "$$SM_MICRON_MARKER 5um",
)
JEOL = only(
    "JEOL", width=1280, height=960, pixel_size_nm=31.25, detector="SEI", magnification=5000, voltage_kv=15,
    working_distance_mm=10.1, stage_x_mm=2.044, stage_y_mm=0.704, stage_z_mm=10.2, rotation_deg=11, tilt_deg=-5,
    date="2019-03-04T17:06:40",
)
# fmt: on


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-16-be-bom", "cp932", "ascii")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("vendor", ["Hitachi", "JEOL"])
def test_sidecars_in_every_encoding(tmp_path: Path, vendor: str, encoding: str) -> None:
    make, lines, expected = {"Hitachi": (hitachi, HITACHI_LINES, HITACHI), "JEOL": (jeol, JEOL_LINES, JEOL)}[vendor]
    # Of the lines only the first is Japanese.
    text = "\ufeff" * encoding.endswith("-bom") + make(*lines[encoding == "ascii" :])
    assert beside(tmp_path, text.encode(encoding.removesuffix("-bom"))) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp932"])
@pytest.mark.parametrize("operator", ["A", "Jäger"])
def test_micro_signs(tmp_path: Path, operator: str, encoding: str) -> None:
    marker = "$$SM_MICRON_MARKER 10μm" if encoding == "cp932" else "$$SM_MICRON_MARKER 10µm"
    data = jeol(f"$CM_OPERATOR {operator}", "$$SM_MICRON_BAR 100", marker).encode(encoding, "replace")
    assert beside(tmp_path, data) == only("JEOL", pixel_size_nm=100)


@pytest.mark.parametrize("name", ["picture.txt", "picture.TXT", "picture.tif.txt", "picture.tif.TXT"])
def test_names_of_sidecars(tmp_path: Path, name: str) -> None:
    assert beside(tmp_path, hitachi("PixelSize=5"), name) == only("Hitachi", pixel_size_nm=5)
    assert sidecar_metadata(tmp_path / "picture2.tif") is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("PixelSize=99,2", only("Hitachi", pixel_size_nm=99.2)),
        ("PixelSize=0,125", only("Hitachi", pixel_size_nm=0.125)),
        ("PixelSize=99,218", only("Hitachi", "PixelSize=99,218")),
        ("PixelSize=1,234.5", only("Hitachi", "PixelSize=1,234.5")),
        ("PixelSize=2.5 um", only("Hitachi", pixel_size_nm=2500)),
        ("PixelSize=９９．２", only("Hitachi", pixel_size_nm=99.2)),
        ("PixelSize=", only("Hitachi")),
        ("PixelSize=-inf", only("Hitachi", "PixelSize=-inf")),
        ("PixelSize=1e400", only("Hitachi", "PixelSize=1e400")),
        ("PixelSize=1\x00\x1b[31m", only("Hitachi", "PixelSize=1??[31m")),
        # A pattern that tries every split of the digits would take hours.
        (f"PixelSize={MANY_DIGITS * 90}.9.", only("Hitachi", "PixelSize=" + "9" * 49 + "…")),
        (f"PixelSize={MANY_DIGITS}", only("Hitachi", "PixelSize=" + "9" * 49 + "…")),
        (f"DataSize={MANY_DIGITS}x{MANY_DIGITS}", only("Hitachi", "DataSize=" + "9" * 50 + "…")),
        ("DataSize=1280×0", only("Hitachi", "DataSize=1280×0")),
        ("Magnification=10000001", only("Hitachi", "Magnification=10000001")),
        ("AcceleratingVoltage=15 mm", only("Hitachi", "AcceleratingVoltage=15 mm")),
        ("WorkingDistance=300000 um", only("Hitachi", "WorkingDistance=300000 um")),
        ("StagePositionX=1000000001", only("Hitachi", "StagePositionX=1000000001")),
        ("StagePositionT=-180", only("Hitachi", tilt_deg=-180)),
        ("Date=11/24/2009", only("Hitachi", date="2009-11-24")),
        ("Date=2019/02/29", only("Hitachi", "Date=2019/02/29")),
        ("Date=2019年3月4日\r\nTime=午後 5:06:40", only("Hitachi", date="2019-03-04T17:06:40")),
    ],
)
def test_hitachi_lines(tmp_path: Path, line: str, expected: dict[str, Any]) -> None:
    assert beside(tmp_path, hitachi(line)) == expected


NAMED_STAGE = {"stage_x_mm": 37.1761, "rotation_deg": 354.9968, "tilt_deg": 0.5}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("$$SM_MICRON_BAR 0", "$$SM_MICRON_MARKER 5um"), only("JEOL", "$$SM_MICRON_BAR=0")),
        (("$$SM_MICRON_BAR 50", "$$SM_MICRON_MARKER 5"), only("JEOL", "$$SM_MICRON_MARKER=5")),
        (("$$SM_MICRON_BAR 50", "$$SM_MICRON_MARKER 500nm"), only("JEOL", pixel_size_nm=10)),
        (("$SM_MICRON_BAR 50", "$SM_MICRON_MARKER 1mm"), only("JEOL", pixel_size_nm=20_000)),
        (("$CM_PIXEL_SIZE 10.5nm 10.5nm", "$SM_MICRON_BAR 50"), only("JEOL", pixel_size_nm=10.5)),
        (("$CM_PIXEL_SIZE 0.0105",), only("JEOL", "$CM_PIXEL_SIZE=0.0105")),
        (("$CM_ACCEL_VOLT 15000",), only("JEOL", "$CM_ACCEL_VOLT=15000")),
        (("$CM_DETECTOR LED", "$CM_SIGNAL SEI"), only("JEOL", detector="LED")),
        (("$CM_STAGE_POS 1 x",), only("JEOL", "$CM_STAGE_POS=x", stage_x_mm=1)),
        (("$CM_STAGE_POSITION X=37.1761, R=354.9968, T=0.50",), only("JEOL", **NAMED_STAGE)),
        (("$CM_IMAGE_SIZE 1280 960", "$SM_PNU_HEIGHT 64"), only("JEOL", width=1280, height=960, bar_rows=64)),
        (("$CM_DATE 5/25/2026", "$CM_TIME 1:02:03 PM"), only("JEOL", date="2026-05-25T13:02:03")),
        (("$CM_DATE 2019/03/12", "$CM_TIME later"), only("JEOL", "$CM_TIME=later", date="2019-03-12")),
    ],
)
def test_jeol_lines(tmp_path: Path, lines: tuple[str, ...], expected: dict[str, Any]) -> None:
    assert beside(tmp_path, jeol(*lines)) == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"etched for 15 min, sheet 3\nPixelSize=5\n",
        b"costs $CM 5, $5, $$\n",
        "銅 エッチング\n".encode("cp932"),
        b"\xff\xfe\x00\xd8[\x00",
        bytes(range(256)),
        b"\x81\x20[SemImageFile]\n\x9d",
    ],
)
def test_other_texts_are_no_sidecars(tmp_path: Path, content: bytes) -> None:
    assert beside(tmp_path, content) is None


def test_a_sidecar_is_read_up_to_one_mebibyte(tmp_path: Path) -> None:
    text = hitachi("PixelSize=5").encode()
    assert beside(tmp_path, text.ljust(2**20, b"\n")) == only("Hitachi", pixel_size_nm=5)
    assert beside(tmp_path, text.ljust(2**20 + 1, b"\n")) == {"dropped": ["picture.txt: larger than 1 MiB"]}
    # Notes of that name do not hide the sidecar of the full one.
    assert beside(tmp_path, text, "picture.tif.txt") == only("Hitachi", pixel_size_nm=5)


def test_links_are_followed_within_the_folder_only(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "real.txt"
    inside.mkdir()
    outside.write_text(hitachi("PixelSize=5"))
    link = inside / "picture.txt"
    (inside / "session.txt").write_text(hitachi("PixelSize=6"))
    for target, expected in ((outside, None), (link, None), ("session.txt", only("Hitachi", pixel_size_nm=6))):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        assert known(sidecar_metadata(inside / "picture.tif")) == expected


def test_what_is_no_readable_file_is_no_sidecar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "picture.txt").mkdir()
    os.mkfifo(tmp_path / "picture.TXT")
    assert sidecar_metadata(tmp_path / "picture.tif") is None
    assert sidecar_metadata(tmp_path / "pic\0ture.tif") is None
    assert sidecar_metadata(tmp_path / ("n" * 300 + ".tif")) is None
    assert beside(tmp_path, hitachi("PixelSize=5"), "picture.tif.txt") == only("Hitachi", pixel_size_nm=5)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(Path, "open", refuse)
    assert sidecar_metadata(tmp_path / "picture.tif") is None
