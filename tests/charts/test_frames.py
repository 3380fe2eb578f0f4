"""What core packs, the browser reads: typed arrays over the message's own bytes."""

from __future__ import annotations

import base64
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page

from bidviz_core.frames import pack_frame

pytestmark = pytest.mark.browser


def text_of(frame: bytes) -> str:
    return base64.b64encode(frame).decode()


DTYPES = ["<f8", "<f4", "<f2", "<i8", "<u8", "<i4", "<u4", "<i2", "<u2", "|i1", "|u1", "|b1"]


def test_numbers_of_every_kind_arrive(open_page: Callable[..., Page]) -> None:
    arrays = [np.array([[0, 1, 3], [1, 0, 7]]).astype(dtype) for dtype in DTYPES]
    read = open_page().evaluate(
        "text => { const {header, buffers} = charts.decodeFrame(frameOf(text));"
        " return [header, buffers.map(({dtype, shape, data}) => [dtype, shape, Array.from(data, Number)])]; }",
        text_of(pack_frame({"type": "x", "größe": 1}, arrays)),
    )
    expected = [
        [dtype, [2, 3], array.astype(float).ravel().tolist()] for dtype, array in zip(DTYPES, arrays, strict=True)
    ]
    assert read == [{"type": "x", "größe": 1}, expected]


def test_what_is_not_finite_arrives(open_page: Callable[..., Page]) -> None:
    frame = pack_frame({}, [np.array([np.nan, np.inf, -np.inf]), np.array([np.nan, np.inf, -np.inf, 6e-8], np.float16)])
    script = "text => charts.decodeFrame(frameOf(text)).buffers.map(({data}) => Array.from(data, String).join())"
    read = open_page().evaluate(script, text_of(frame))
    assert read == ["NaN,Infinity,-Infinity", "NaN,Infinity,-Infinity,5.960464477539063e-8"]


def test_nothing_is_copied(open_page: Callable[..., Page]) -> None:
    frame = pack_frame({"a": "b"}, [np.zeros(1000), np.zeros(3, np.uint8)])
    script = (
        "text => { const b = frameOf(text); return charts.decodeFrame(b).buffers.every(x => x.data.buffer === b); }"
    )
    assert open_page().evaluate(script, text_of(frame))


BAD = [
    (b"nonsense!", 'begins with "BV01", got 9 bytes'),
    (b"", 'begins with "BV01", got 0 bytes'),
    (pack_frame({"a": 1}, [np.zeros(9)])[:-8], "cut short: a buffer ends"),
    (pack_frame({"a": 1})[:10], "cut short: its header ends"),
    (pack_frame({}, [np.zeros(2, np.complex128)]), "A buffer of <c16 cannot be read here"),
]


def test_what_is_no_frame_is_refused_with_a_sentence(open_page: Callable[..., Page]) -> None:
    page = open_page()
    script = "text => { try { charts.decodeFrame(frameOf(text)); } catch (error) { return error.message; } }"
    for frame, words in BAD:
        assert words in page.evaluate(script, text_of(frame))
