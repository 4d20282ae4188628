"""Held-out text: documents stay whole, sides do not share any, and order is kept."""

import numpy as np
import pytest

from pipeline.base.errors import PipelineError
from pipeline.text.corpus.held_out import held_out_text

END = 99


def documents(lengths, context):
    """Packed blocks of documents whose tokens are their numbers."""
    tokens = np.concatenate([[*[number] * length, END] for number, length in enumerate(lengths)])
    return tokens[: len(tokens) // context * context].reshape(-1, context)


def test_every_second_document_gives_the_direction_and_the_others_the_rest():
    found = held_out_text(documents([7, 3, 11, 9, 5, 12, 30, 8], 4), END, most=100)
    assert set(np.unique(found.direction)) == {0, 2, 4, 6, END}
    assert set(np.unique(found.real)) | set(np.unique(found.control)) == {1, 3, 5, 7, END}
    assert found.direction.ravel()[:9].tolist() == [0] * 7 + [END, 2]


def test_real_and_control_take_turns_and_hold_all_of_the_other_documents():
    blocks = documents([7, 13, 11, 9, 5, 12], 4)
    found = held_out_text(blocks, END, most=100)
    joined = np.empty((len(found.real) + len(found.control), 4), dtype=int)
    joined[::2], joined[1::2] = found.real, found.control
    expected = [token for number in (1, 3, 5) for token in [number] * [7, 13, 11, 9, 5, 12][number]]
    assert joined[joined != END].tolist() == expected[: (joined != END).sum()]


def test_no_set_has_more_blocks_than_asked_for():
    found = held_out_text(documents([20] * 50, 4), END, most=5)
    assert {len(found.direction), len(found.real), len(found.control)} <= {4, 5}


@pytest.mark.parametrize("lengths", [[40], [40, 2], [2, 3, 2]])
def test_too_little_text_is_refused_with_the_remedy(lengths):
    with pytest.raises(PipelineError, match=r"fill \d+ and \d+ blocks of 4 tokens; raise domains"):
        held_out_text(documents([*lengths], 4), END, most=10)
