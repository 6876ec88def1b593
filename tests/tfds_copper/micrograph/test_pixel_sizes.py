"""Pixel sizes from wherever they stand: sidecars, PNG chunks, tags, fields of view, and what programs write."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from benchmarks.fuzz.seeds import chunk
from copper_tf.inference.map_files import write_map
from tests.tfds_copper.micrograph.test_bar import _micrograph, _strip
from tfds_copper.micrograph import Micrograph, ReadSettings, open_windows, read, windows
from tfds_copper.micrograph.record import BOTTOM, Bar
from tfds_copper.micrograph.vendors.registry import sidecar_metadata
from tfds_copper.micrograph.vendors.scale import software_scale

GREY = np.random.default_rng(0).integers(0, 255, (48, 64), dtype=np.uint8)
NAN = float("nan")


def of_tiff(folder: Path, values: np.ndarray = GREY, **options: Any) -> Micrograph:
    tifffile.imwrite(folder / "a.tif", values, **{"metadata": None, **options})
    return read(folder / "a.tif")


def tagged(folder: Path, code: int, data: bytes, shape: tuple[int, int] = (48, 64), kind: int = 1) -> Micrograph:
    values = np.resize(GREY, shape)
    return of_tiff(folder, values, extratags=[(code, kind, len(data), data, True)])


TESCAN = (
    "[MAIN]\r\nDate=2021-05-16\r\nTime=16:03:27\r\nDevice=MIRA3 LMH\r\nMagnification=5000.0\r\nPixelSizeX=2.5e-008\r\n"
    "PixelSizeY=2.5e-008\r\nImageStripSize=24\r\n\r\n[SEM]\r\nDetector=SE\r\nHV=10000.0\r\nWD=0.01325\r\n"
)
TESCAN_KNOWN = {
    "vendor": "Tescan", "pixel_size_nm": 25.0, "magnification": 5000.0, "voltage_kv": 10.0, "bar_rows": 24,
    "working_distance_mm": 13.25, "detector": "SE", "date": "2021-05-16T16:03:27",
}  # fmt: skip


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        ("a.tif", "a-tif.hdr"), ("a.png", "a-png.hdr"), ("a.tiff", "a-tiff.hdr"), ("a.TIF", "a-tif.hdr"),
        ("a.jpg", "a-jpg.HDR"), ("a.b.png", "a.b-png.hdr"), ("a.tif", "a.hdr"), ("a.bmp", "a.bmp.hdr"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_a_tescan_header_beside_the_picture(tmp_path: Path, picture: str, name: str, encoding: str) -> None:
    pixels = np.vstack([_micrograph(128, 160), _strip(24, 160, 0, 255)])
    Image.fromarray(pixels).save(tmp_path / picture)
    (tmp_path / name).write_bytes((TESCAN + "UserName=Müller\r\n").encode(encoding))
    found = read(tmp_path / picture)
    assert found.metadata.known() == TESCAN_KNOWN and found.pixel_size_nm == 25
    assert found.bar is not None and found.bar.rows - 24 in (0, 1)


def test_headers_of_others_are_none(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    for text in ("ENVI\nsamples = 64\nlines = 48\n", "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n", "", "NROWS 48\n"):
        (tmp_path / "a.hdr").write_text(text)
        assert sidecar_metadata(tmp_path / "a.png") is None


LINES = TESCAN.replace("[MAIN]\r\n", "").encode()


@pytest.mark.parametrize(
    "remark",
    [
        chunk(b"gIFx", b"TESCAN  \0\0\0" + LINES),
        chunk(b"gIFx", b"TESCAN  \0\0\0" + TESCAN.encode()),
        chunk(b"tEXt", b"Description\0" + TESCAN.encode()),
        chunk(b"zTXt", b"Description\0\0" + zlib.compress(LINES)),
        chunk(b"iTXt", b"Description\0\0\0en\0\0" + TESCAN.encode()),
        chunk(b"iTXt", b"Description\0\1\0\0\0" + zlib.compress(TESCAN.encode())),
    ],
)
@pytest.mark.parametrize("behind", [False, True])
def test_a_tescan_chunk_of_a_png(tmp_path: Path, remark: bytes, behind: bool) -> None:
    Image.fromarray(np.vstack([_micrograph(128, 160), _strip(24, 160, 0, 255)])).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    at = len(data) - 12 if behind else 33
    (tmp_path / "a.png").write_bytes(data[:at] + remark + data[at:])
    found = read(tmp_path / "a.png")
    assert found.metadata.known() == TESCAN_KNOWN and found.bar == Bar(BOTTOM, 24)


def test_other_remarks_of_a_png_say_nothing(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    for body in (b"gIFxHELLO", b"tEXtSoftware\0HV=3", b"zTXta\0\0broken", b"iTXta"):
        (tmp_path / "a.png").write_bytes(data[:33] + chunk(body[:4], body[4:]) + data[33:])
        assert read(tmp_path / "a.png").metadata.known() == {}


HITACHI = (
    "SerialNumber=0-00\r\nDataNumber=TM4000 0001\r\nSampleName=\r\nPixelSize=82.68229\r\nCondition=Vacc=15.0kV "
    "Mag=x1.20k WD=7.9mm LensMode=3\r\nEmissionCurrent=46900\r\nSignalName=BSE\r\n"
)
HITACHI_KNOWN = {
    "vendor": "Hitachi", "pixel_size_nm": 82.68229, "magnification": 1200.0, "voltage_kv": 15.0,
    "working_distance_mm": 7.9, "detector": "BSE",
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16", "utf-16-be", "utf-8", "cp932"])
def test_a_hitachi_tag_without_its_sidecar(tmp_path: Path, encoding: str) -> None:
    data = (HITACHI + "\0").encode(encoding)
    assert tagged(tmp_path, 40092, data).metadata.known() == HITACHI_KNOWN
    assert tagged(tmp_path, 40092, ("[SemImageFile]\r\n" + HITACHI).encode(encoding), kind=7).pixel_size_nm == 82.68229


def test_a_hitachi_sidecar_adds_to_the_tag(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("[SemImageFile]\nDataSize=64x44\nDate=2019/03/04\nPixelSize=82.68229\n")
    found = tagged(tmp_path, 40092, HITACHI.encode("utf-16-le"))
    assert found.metadata.known() == {**HITACHI_KNOWN, "width": 64, "height": 44, "date": "2019-03-04"}
    assert found.bar == Bar(BOTTOM, 4)


def test_comments_of_windows_are_no_hitachi_tag(tmp_path: Path) -> None:
    for text in ("after 3 h, SignalName=?", "PixelSize=5", "\0", "", "嗨"):
        assert tagged(tmp_path, 40092, (text + "\0").encode("utf-16-le")).metadata.known() == {}


@pytest.mark.parametrize(
    ("field", "nm"),
    [
        ("1.067mm 0.800mm", 1667.1875), ("1.067 0.800mm", 1667.1875), ("1.067 mm 0.800 mm", 1667.1875),
        ("1.067mm, 0.800mm", 1667.1875), ("1.067mm x 0.800mm", 1667.1875), ("1.067mm 0.800", 1667.1875),
        ("25.6µm 19.2µm", 40), ("25.6um 19.2um", 40), ("25.6 × 19.2 um", 40), ("25,6um 19,2um", 40),
        ("640nm 480nm", 1), ("6.4e2nm 4.8e2nm", 1),
        # A unit that is none, or none at all.
        ("25.6 19.2", NAN), ("25.6in 19.2in", NAN), ("25.6um", NAN), ("wide", NAN), ("0mm 0mm", NAN),
    ],
)  # fmt: skip
def test_a_jeol_field_of_view(tmp_path: Path, field: str, nm: float) -> None:
    Image.fromarray(np.resize(GREY, (480, 640))).save(tmp_path / "a.tif")
    text = f"$CM_FORMAT JEOL-SEM\n$CM_MAG 120\n$CM_FIELD_OF_VIEW {field}\n$CM_FULL_SIZE 640 480\n"
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    found = read(tmp_path / "a.tif")
    np.testing.assert_allclose(found.pixel_size_nm, nm, rtol=1e-9)
    assert bool(found.metadata.dropped) == (nm != nm)


def test_a_jeol_field_of_view_needs_a_size_and_is_of_it(tmp_path: Path) -> None:
    Image.fromarray(np.resize(GREY, (480, 640))).save(tmp_path / "a.tif")
    field = "$CM_FORMAT JEOL-SEM\n$CM_FIELD_OF_VIEW 25.6um 19.2um\n"
    for size, nm in (("", NAN), ("$CM_IMAGE_SIZE 640 480\n", 40), ("$CM_FULL_SIZE 0 0\n", NAN)):
        (tmp_path / "a.txt").write_text(field + size)
        np.testing.assert_allclose(read(tmp_path / "a.tif").pixel_size_nm, nm)
    # A cropped copy is flagged.
    (tmp_path / "a.txt").write_text(field + "$CM_FULL_SIZE 1280 960\n")
    found = read(tmp_path / "a.tif")
    assert np.isnan(found.pixel_size_nm) and "cut or rescaled since" in found.notes[0]
    # The bar, and the size itself, count before.
    (tmp_path / "a.txt").write_text(field + "$CM_FULL_SIZE 640 480\n$CM_PIXEL_SIZE 7 nm\n")
    assert read(tmp_path / "a.tif").pixel_size_nm == 7


def fei_xml(side: str, more: str = "") -> str:
    size = f"<PixelSize><X {side}</X><Y {side}</Y></PixelSize>"
    optics = "<Optics><AccelerationVoltage>2000</AccelerationVoltage><WorkingDistance>0.004</WorkingDistance></Optics>"
    return f'<?xml version="1.0"?><Metadata>{optics}<BinaryResult>{size}{more}</BinaryResult></Metadata>'


@pytest.mark.parametrize("code", [34680, 34682, 34683])
@pytest.mark.parametrize(
    ("side", "nm"),
    [
        ('unit="m" unitPrefixPower="1">2.69792E-07', 269.792),
        (">2.69792E-07", 269.792),
        ('unit="m" unitPrefixPower="1E-09">269.792', 269.792),
        ('unit="m" unitPrefixPower="-9">269.792', 269.792),
        ('unit="nm">269.792', 269.792),
        ('unit="um">0.269792', 269.792),
        ('unit="pixel">1', NAN),
        ('unit="m">wide', NAN),
    ],
)
def test_fei_xml_without_sections(tmp_path: Path, code: int, side: str, nm: float) -> None:
    found = tagged(tmp_path, code, fei_xml(side).encode())
    np.testing.assert_allclose(found.pixel_size_nm, nm)
    assert (found.metadata.vendor, found.metadata.voltage_kv, found.metadata.working_distance_mm) == ("FEI", 2, 4)


def test_fei_xml_behind_sections_and_with_a_namespace(tmp_path: Path) -> None:
    xml = fei_xml('unit="m">9e-09').replace("<Metadata>", '<Metadata xmlns="http://fei.com">')
    both = tagged(tmp_path, 34682, f"[Scan]\nPixelWidth=1e-08\n[EBeam]\nHV=5000\n{xml}\0".encode())
    assert (both.pixel_size_nm, both.metadata.voltage_kv, both.metadata.working_distance_mm) == (10, 5, 4)
    assert tagged(tmp_path, 34682, f"[EBeam]\nHV=5000\n{xml}".encode()).pixel_size_nm == 9


def test_fei_xml_of_another_size_or_damaged(tmp_path: Path) -> None:
    other = fei_xml(">1e-08", "<ImageSize><X>640</X><Y>480</Y></ImageSize>")
    found = tagged(tmp_path, 34683, other.encode())
    assert np.isnan(found.pixel_size_nm) and "cut or rescaled since" in found.notes[0]
    same = tagged(tmp_path, 34683, fei_xml(">1e-08", "<ImageSize><X>64</X><Y>40</Y></ImageSize>").encode())
    assert (same.pixel_size_nm, same.bar) == (10, Bar(BOTTOM, 8))
    entities = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>' + fei_xml(">1e-08")[21:]
    for text in (other[:-3], entities, "<Metadata>" * 9999, "<?xml"):
        assert np.isnan(tagged(tmp_path, 34683, text.encode()).pixel_size_nm)


def fei(width: int, height: int, pixel: float = 1e-08, frame: tuple[int, int] = (3072, 2048)) -> bytes:
    return (
        f"[Scan]\nPixelWidth={pixel}\nPixelHeight={pixel}\nHorFieldsize={width * pixel:.6g}\n"
        f"VerFieldsize={height * pixel:.6g}\n[Image]\nResolutionX={frame[0]}\nResolutionY={frame[1]}\n"
    ).encode()


def test_a_reduced_scan_is_not_cut(tmp_path: Path) -> None:
    found = tagged(tmp_path, 34682, fei(897, 435), (435, 897))
    assert (found.pixel_size_nm, found.bar, found.notes) == (10, None, ())
    assert (found.metadata.width, found.metadata.height) == (897, 435)
    # With a bar below; reduced in height alone; with a pixel size that is rounded.
    assert tagged(tmp_path, 34682, fei(897, 435), (470, 897)).bar == Bar(BOTTOM, 35)
    strip = tagged(tmp_path, 34682, fei(512, 100, frame=(512, 442)), (100, 512))
    assert (strip.pixel_size_nm, strip.notes) == (10, ())
    assert tagged(tmp_path, 34682, fei(897, 435, 3.37241e-09), (435, 897)).notes == ()


@pytest.mark.parametrize("shape", [(435, 890), (400, 897), (217, 448), (2048, 3000)])
def test_a_truly_cropped_copy_stays_flagged(tmp_path: Path, shape: tuple[int, int]) -> None:
    for area in ((897, 435), (3072, 2048)):
        found = tagged(tmp_path, 34682, fei(*area), shape)
        assert np.isnan(found.pixel_size_nm) and "cut or rescaled since" in found.notes[0]


def test_fei_magnification_of_whole_numbers(tmp_path: Path) -> None:
    text = b"[EBeam]\nHFW=1\n[Image]\nMagCanvasRealWidth=2\n"
    assert tagged(tmp_path, 34682, text).metadata.magnification == 2
    for canvas in (b"0", b"nan", b"yes", b"11"):
        assert np.isnan(tagged(tmp_path, 34682, text.replace(b"=2", b"=" + canvas)).metadata.magnification)


def leo(line: str, names: str = "AP_MAG\r\nMag = 70 X\r\nAP_WD\r\nWD = 5.0 mm\r\n") -> bytes:
    return f"0\r\n0\r\n0\r\n{line}\r\n70.0\r\n6\r\n5000.0\r\n{names}".encode("cp1252")


@pytest.mark.parametrize(
    ("line", "shape", "nm"),
    [
        ("1.595e-006", (768, 1024), 1595), ("1.595E-06", (768, 1024), 1595), ("0.000001595", (768, 1024), 1595),
        ("1.595e-006", (384, 512), 3190), ("1.595e-006", (1536, 2048), 797.5),
        # Cut since, or nothing there.
        ("1.595e-006", (700, 900), NAN), ("0", (768, 1024), NAN), ("0.000000e+000", (768, 1024), NAN),
        ("n/a", (768, 1024), NAN), ("1.5", (768, 1024), NAN),
    ],
)  # fmt: skip
def test_a_leo_header(tmp_path: Path, line: str, shape: tuple[int, int], nm: float) -> None:
    found = tagged(tmp_path, 34118, leo(line), shape)
    np.testing.assert_allclose(found.pixel_size_nm, nm)
    assert found.metadata.vendor == "Zeiss" and found.metadata.working_distance_mm == 5


def test_a_named_pixel_size_counts_before_the_header(tmp_path: Path) -> None:
    named = "AP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 2.6 nm\r\n"
    assert tagged(tmp_path, 34118, leo("1.595e-006", named), (768, 1024)).pixel_size_nm == 2.6
    short = b"0\r\n0\r\nAP_WD\r\nWD = 5.0 mm\r\n"
    assert np.isnan(tagged(tmp_path, 34118, short, (768, 1024)).pixel_size_nm)


def imagej(folder: Path, unit: str, per_px: float, resolution_unit: int = 1) -> Micrograph:
    lines = f"ImageJ=1.54f\n{unit}min=0.0\nmax=255.0\n"
    return of_tiff(
        folder, description=lines.encode("utf-8"), resolution=(1 / per_px, 1 / per_px), resolutionunit=resolution_unit
    )


@pytest.mark.parametrize(
    ("unit", "per_px", "nm"),
    [
        ("\\u00B5m", 0.05, 50), ("\\u03bcm", 0.05, 50), ("µm", 0.05, 50), ("um", 0.05, 50), ("micron", 0.05, 50),
        ("microns", 0.05, 50), ("micrometer", 0.05, 50), ("nm", 50, 50), ("nanometers", 50, 50), ("mm", 5e-5, 50),
        ("m", 5e-8, 50), ("\\u00C5", 500, 50), ("cm", 5e-6, 50), ("Âµm", 0.05, 50),
        ("inch", 0.01, NAN), ("pixel", 1, NAN), ("pixels", 0.05, NAN), (" ", 0.05, NAN), ("cm", 0.0085, NAN),
        ("furlong", 0.05, NAN),
    ],
)  # fmt: skip
def test_the_scale_of_imagej(tmp_path: Path, unit: str, per_px: float, nm: float) -> None:
    found = imagej(tmp_path, f"unit={unit}\n", per_px)
    np.testing.assert_allclose(found.pixel_size_nm, nm, rtol=1e-6)
    assert found.notes == (("pixel size as ImageJ wrote it",) if nm == nm else ())
    assert bool(found.metadata.dropped) == (unit == "furlong")


def test_imagej_by_its_resolution_tags_alone(tmp_path: Path) -> None:
    np.testing.assert_allclose(imagej(tmp_path, "", 5e-6, 3).pixel_size_nm, 50, rtol=1e-6)
    for per_px, unit in ((1 / 300, 2), (1 / 118, 3), (0.05, 1)):
        assert np.isnan(imagej(tmp_path, "", per_px, unit).pixel_size_nm)


def test_print_resolutions_are_none(tmp_path: Path) -> None:
    for description in ("", "unit=um", '{"shape": [48, 64]}', "SEM picture"):
        found = of_tiff(tmp_path, description=description, resolution=(20, 20), resolutionunit=3)
        assert np.isnan(found.pixel_size_nm)


def ome(pixels: str) -> str:
    head = '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    return f'{head}<Image ID="Image:0">{pixels}</Image></OME>'


@pytest.mark.parametrize(
    ("size", "nm"),
    [
        ('PhysicalSizeX="0.05" PhysicalSizeY="0.05"', 50),
        ('PhysicalSizeX="0.05" PhysicalSizeXUnit="µm"', 50),
        ('PhysicalSizeX="0.05" PhysicalSizeXUnit="&#181;m"', 50),
        ('PhysicalSizeX="50" PhysicalSizeXUnit="nm"', 50),
        ('PhysicalSizeX="5e-5" PhysicalSizeXUnit="mm"', 50),
        ('PhysicalSizeX="500" PhysicalSizeXUnit="Å"', 50),
        ('PhysicalSizeX="1" PhysicalSizeXUnit="pixel"', NAN),
        ('PhysicalSizeX="1" PhysicalSizeXUnit="reference frame"', NAN),
        ('PhysicalSizeX="0.01" PhysicalSizeXUnit="in"', NAN),
        ('PhysicalSizeX="-1"', NAN),
        ("", NAN),
    ],
)
def test_the_calibration_of_ome(tmp_path: Path, size: str, nm: float) -> None:
    found = of_tiff(tmp_path, description=ome(f'<Pixels SizeX="64" SizeY="48" {size}/>').encode())
    np.testing.assert_allclose(found.pixel_size_nm, nm)


def test_ome_of_several_pictures_and_of_another_size(tmp_path: Path) -> None:
    label = '<Pixels SizeX="8" SizeY="8" PhysicalSizeX="9"/></Image><Image>'
    own = '<Pixels SizeX="64" SizeY="48" PhysicalSizeX="0.05"/>'
    assert of_tiff(tmp_path, description=ome(label + own).encode()).pixel_size_nm == 50
    other = of_tiff(tmp_path, description=ome(label.partition("<Image>")[0].removesuffix("</Image>")).encode())
    assert np.isnan(other.pixel_size_nm) and "of a picture of 8 x 8 px" in other.metadata.dropped[0]
    assert np.isnan(of_tiff(tmp_path, description=ome(own)[:-9].encode()).pixel_size_nm)


def test_a_program_counts_before_the_microscope_and_the_user_before_both(tmp_path: Path) -> None:
    # Rescaled in ImageJ, beside the header of the original.
    (tmp_path / "a-tif.hdr").write_text(TESCAN.replace("ImageStripSize=24\n", ""))
    same = imagej(tmp_path, "unit=nm\n", 25)
    assert same.pixel_size_nm == 25 and not any("pixel size" in n for n in same.notes)
    half = imagej(tmp_path, "unit=nm\n", 50)
    assert half.pixel_size_nm == 50 and half.metadata.vendor == "Tescan"
    assert "pixel size 50 nm as ImageJ wrote it, not 25 nm as the microscope did" in half.notes
    assert read(tmp_path / "a.tif", None, 7.0).pixel_size_nm == 7
    assert read(tmp_path / "a.tif", ReadSettings(pixel_size=9.0), 7.0).pixel_size_nm == 9
    # Cropped in ImageJ, beside a sidecar that gives the size before: still said, but the scale is known.
    (tmp_path / "a-tif.hdr").unlink()
    (tmp_path / "a.txt").write_text("[SemImageFile]\nDataSize=1280x960\nPixelSize=25\n")
    cropped = imagej(tmp_path, "unit=nm\n", 25)
    assert cropped.pixel_size_nm == 25 and "cut or rescaled since" in cropped.notes[0]


def test_our_own_maps_have_a_scale(tmp_path: Path) -> None:
    write_map(tmp_path / "map.tif", np.zeros((48, 64), np.float32), 50.0)
    with tifffile.TiffFile(tmp_path / "map.tif") as tiff:
        scale = software_scale(tiff.pages[0], (tiff.pages[0].description,))  # type: ignore[union-attr]
    assert scale is not None and scale.metadata.pixel_size_nm == pytest.approx(50)


def test_large_pictures_have_the_same_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = imagej(tmp_path, "unit=um\n", 0.05)
    monkeypatch.setattr(windows, "LARGE", 0)
    with open_windows(tmp_path / "a.tif") as found:
        assert (found.pixel_size_nm, found.notes) == (whole.pixel_size_nm, whole.notes)
