"""Networks of which only shapes are known are, once weights are loaded, those that have them."""

import pytest
import torch

from pipeline.base.labels import Cell
from pipeline.config.load import load_config
from pipeline.config.slices import SLICES
from pipeline.networks.restore import without_weights
from pipeline.run.disk import checkpoint_bytes
from pipeline.stages.parts import load_part
from tests.gpu.cases import CASES, CPU
from tests.workflow.checkout import ROOT


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_shapes_have_no_values_until_these_are_loaded(case):
    network = case.network()
    found = without_weights(case.model, case.settings)
    assert {n: w.shape for n, w in found.named_parameters()} == {
        n: w.shape for n, w in network.named_parameters()
    }
    assert all(weight.is_meta for weight in found.parameters())
    assert not any(buffer.is_meta for buffer in found.buffers()), "no checkpoint has these"
    found.load_state_dict(network.state_dict(), assign=True)
    x0, t, draws = case.batch(CPU)
    xt = case.noise.corrupt(x0, t, draws)
    with torch.inference_mode():
        torch.testing.assert_close(found(xt, t), network(xt, t), rtol=0, atol=0)


@pytest.mark.parametrize("domain", ["rhm", "text", "image"])
def test_the_disk_of_a_checkpoint_is_that_of_the_weights_and_their_averages(domain):
    config = load_config(ROOT / "config.yaml", ROOT / "workflow/presets", {"preset": "smoke"})
    name = config.domain(domain).settings[0].label
    cell = Cell(name, "8", "g0d0n0+g1d0n0" if domain == "rhm" else "d0n0")
    settings = SLICES[domain]["train"](config.domain(domain), cell)
    network = load_part(domain, "model").build_network(settings)
    kinds = 1 + len(settings.training.average_decays)
    weights = sum(weight.numel() for weight in network.parameters())
    assert checkpoint_bytes(config, domain, cell) == 4 * kinds * weights
