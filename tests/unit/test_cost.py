"""What jobs cost, measured on networks that take seconds; of samplers, by a clock of ours."""

import signal
from types import ModuleType, SimpleNamespace

import pytest
import torch

from pipeline.config.grid import cells
from pipeline.config.slices import SLICES
from pipeline.run import brief_sampling, cost
from pipeline.run.brief_sampling import BriefNetwork, BriefSampler
from pipeline.sampling.generate import generate, sample_network
from pipeline.stages.parts import load_part
from tests.unit.test_duration import smoke


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only while a network works."""
    clock = SimpleNamespace(now=0.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(brief_sampling, "time", clock)
    return clock


def ticking(network, clock, first=0.0):
    """A network every call of which takes a second, and the first one some more."""
    calls = []

    def watch(*_):
        clock.now += 1.0 if calls else 1.0 + first
        calls.append(1)

    network.register_forward_hook(watch)
    return calls


@pytest.mark.parametrize("domain", ["rhm", "text", "image"])
def test_jobs_of_every_domain_are_timed_and_leave_nothing(domain, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(cost.tempfile, "tempdir", None)
    monkeypatch.setattr(cost, "_MEASURED", 0.05)
    monkeypatch.setattr(cost, "_start", lambda module: 0.0)
    config, heard = smoke(), signal.getsignal(signal.SIGTERM)
    training, sampling = cost.measure_costs(config, domain, cells(config.domain(domain), [])[0])
    assert signal.getsignal(signal.SIGTERM) == heard, "an estimate could not be ended"
    assert training.step > 0
    assert training.start > 0
    assert training.checkpoint >= 0
    assert sampling.checkpoint > 0
    assert sampling.start >= 0
    assert sampling.step == 0
    assert [path for path in tmp_path.iterdir() if "torchinductor" not in path.name] == []
    assert capsys.readouterr().err == ""


def test_samples_that_are_not_drawn_are_in_the_cost_of_sampling(clock, monkeypatch):
    """128 strings in batches of 48, each of two seconds; the first of all takes five more."""
    config, drawn = smoke(rhm={"sampling": {"samples": 128}}), []

    def draw_batch(draw):
        strings = draw(0).shape[1]
        clock.now += 2.0 * strings / 48 + (0.0 if drawn else 5.0)
        drawn.append(strings)
        return (draw(0) * 2).long()

    length = load_part("rhm", "sampler").string_length
    loaded = {
        "model": load_part("rhm", "model"),
        "sampler": SimpleNamespace(
            build_sampler=lambda *_: draw_batch, batch_size=lambda *_: 48, string_length=length
        ),
    }
    monkeypatch.setattr(cost, "time", clock)
    monkeypatch.setattr(cost, "_MEASURED", 8.0)
    monkeypatch.setattr(cost, "_start", lambda module: 10.0)
    monkeypatch.setattr(cost, "load_part", lambda _, part: loaded[part])
    _, sampling = cost.measure_costs(config, "rhm", cells(config.domain("rhm"), [])[0])
    assert drawn == [48, 48]
    assert sampling.start == pytest.approx(10.0 + 5.0)
    assert sampling.checkpoint == pytest.approx(2.0 * 128 / 48)
    assert sampling.step == 0


def parts(domain, **sampling):
    """Sampling settings of a domain at smoke size, its parts, and an untrained network."""
    config = smoke(**{domain: {"sampling": {"samples": 128, **sampling}}})
    cell = cells(config.domain(domain), [])[0]
    trained = SLICES[domain]["train"](config.domain(domain), cell)
    model, sampler = load_part(domain, "model"), load_part(domain, "sampler")
    return config.domain(domain).sampling, model, sampler, trained, model.build_network(trained)


@pytest.mark.parametrize("batch", [32, 48, 1000])
@pytest.mark.parametrize(
    ("domain", "steps"), [("rhm", 4), ("rhm", 40), ("text", 10), ("text", None), ("image", 12)]
)
def test_work_that_is_left_out_is_counted_as_if_it_were_done(domain, steps, batch, clock):
    sampling, model, sampler, trained, network = parts(domain, steps=steps)
    calls = ticking(network, clock)
    sized = ModuleType("sized")
    sized.build_sampler, sized.string_length = sampler.build_sampler, sampler.string_length
    sized.batch_size = lambda *_: batch
    drawn = {}

    def seconds(sampler):
        began = clock.now
        place = trained, 128, torch.device("cpu")
        drawn[sampler] = sample_network(network, sampling, model, sampler, *place)
        return clock.now - began

    whole = seconds(sized)
    assert whole == len(calls) > 3
    brief = BriefSampler(sized, 3.0)
    assert 3 <= seconds(brief) < whole
    # A last batch that is smaller takes as many calls, and is counted by its share.
    share = 128 / batch / -(-128 // batch) if batch < 128 else 1.0
    assert seconds(BriefSampler(sized, 1e9)) == whole
    told = 3.0 + brief.left_out
    assert told == pytest.approx(whole * share, rel=0.15)
    assert drawn[brief].shape == drawn[sized].shape


def test_a_sampler_that_has_the_time_draws_what_it_always_draws():
    sampling, model, sampler, trained, network = parts("rhm")
    place = model, sampler, trained, 128, torch.device("cpu")
    plain = sample_network(network, sampling, *place)
    brief = BriefSampler(sampler, 1e9)
    place = model, brief, trained, 128, torch.device("cpu")
    assert (sample_network(network, sampling, *place) == plain).all()
    assert brief.left_out == 0


def test_the_first_call_counts_once(clock):
    network = torch.nn.Identity()
    ticking(network, clock, first=4.0)
    brief = BriefNetwork(lambda xt, t: network(xt).unsqueeze(-1).float(), 7.0)
    tokens = torch.zeros(1, 2, 3)
    for _ in range(10):
        assert brief(tokens, tokens).shape == (1, 2, 3, 1)
    assert clock.now == 5 + 1 + 1
    assert brief.left_out == 7 * 1.0


def test_a_slow_network_is_called_twice(clock):
    network = torch.nn.Identity()
    ticking(network, clock, first=100.0)
    brief = BriefNetwork(lambda xt, t: network(xt).unsqueeze(-1), 3.0)
    for _ in range(5):
        brief(torch.zeros(1, 2, 3), None)
    assert clock.now == 101 + 1
    assert brief.left_out == 3


def test_batches_after_the_first_ones_are_copies(clock):
    """Twenty strings in batches of eight, each of which takes two seconds."""

    def draw_batch(draw):
        clock.now += 2.0 * draw(0).shape[1] / 8
        return (draw(0) * 100).long()

    part = SimpleNamespace(build_sampler=lambda *_: draw_batch, batch_size=None, string_length=None)
    brief = BriefSampler(part, 1.0)
    draw = brief.build_sampler(None, None, None)
    tokens = generate(draw, [1, 2], 20, 3, torch.device("cpu"), batch=8)
    assert tokens.shape == (2, 20, 3)
    assert (tokens[:, 8:16] == tokens[:, :8]).all()
    assert (tokens[:, 16:] == tokens[:, :4]).all()
    assert clock.now == 2.0
    assert brief.left_out == pytest.approx(2.0 + 1.0)
