"""What the paper's grid would take: products by closed forms, and the table in the documents."""

from pathlib import Path

import pytest

from benchmarks.paper_hours import BANDWIDTH, PRODUCTS, markdown, parts, string_products
from pipeline.documents.paste import pasted

ROOT = Path(__file__).parents[2]
TREE = {"v": 16, "m": 4, "s": 2, "L": 3}


def test_products_of_the_unet_of_strings_are_those_of_its_blocks():
    # down 4 + 2 + 1 nodes and up 1 + 2 + 4, each from s = 2 tuples or with a skip connection
    products, weights = string_products("rhm", TREE)
    assert products == pytest.approx(2 * 42 * 8192**2, rel=0.01)
    assert weights == pytest.approx(18 * 8192**2, rel=0.01)


def test_products_of_the_transformer_are_two_a_weight_and_token_and_those_of_attention():
    products, _ = string_products("text", {"setting": "paper"})
    tokens, width, hidden, layers, symbols = 1024, 768, 2048, 12, 50_257
    block = 4 * width**2 + 3 * width * hidden
    attention = layers * 4 * tokens**2 * width
    expected = 2 * tokens * (layers * block + width * symbols) + attention
    assert products == pytest.approx(expected, rel=0.001)  # the noise level's, once a string


def test_a_step_is_bound_by_memory_or_by_products():
    strings, *_, text, _image = parts()
    assert strings.training_seconds == pytest.approx(
        131_072 * 8 * 4 * 18 * 8192**2 / BANDWIDTH, 0.01
    )
    assert text.training_seconds == pytest.approx(text.training / PRODUCTS["text"])
    assert strings.networks == 14 * 4
    assert strings.hours == pytest.approx(
        56 * (strings.training_seconds + strings.sampling_seconds) / 3600
    )


def test_the_table_is_that_of_the_documents():
    page = (ROOT / "docs/gpu.md").read_text()
    assert pasted(page, "hours", markdown()) == page
