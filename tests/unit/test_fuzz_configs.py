"""Hundreds of spoilt configs: each is refused in lines that name the key, or makes sense."""

import copy
import json
import math
import random
import re

import pytest

from pipeline.base.errors import PipelineError
from pipeline.config.grid import cells
from pipeline.config.load import load_configs
from pipeline.config.resources import from_hub, model_directory, packages
from pipeline.config.schema import Config
from pipeline.run.disk import describe_disk
from pipeline.stages.domains import DOMAINS
from tests.workflow.checkout import ROOT

MUTANTS = 100
"""Of each base and way: 600 in all."""
PRESETS = ROOT / "workflow/presets"
BASES = ("none", "demo", "smoke")
PATH = re.compile(r"[\w@.+=-]+(/[\w@.+=-]+)*", re.ASCII)
"""A path below the working directory that no shell takes for anything else."""
TEXTS = ["", " ", "x", "on", "$(touch ran)", "`ls`", "a; b", "x\ny", "../x", "/", "-x", "é", "\0"]
TEXTS += ["a" * 5000, "{x}", "%s", "x @ file:///x", "--registry=x", "1e3", "null"]
NUMBERS = [0, 1, -1, 2, 0.5, -0.0, 1e-300, 1e300, 10**9, 10**30, 2**63, 0.999999]
OTHERS = [None, True, False, [], {}, [[]], [1, 1], {"kind": "x"}, {"x": {"y": [0]}}]


def plain(preset):
    (config, *_) = load_configs(ROOT / "config.yaml", PRESETS, {"preset": preset}).values()
    return config.plain()


def places(value, above=()):
    """Keys on the way to every value."""
    yield above
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, below in inner:
        yield from places(below, (*above, key))


def at(content, place):
    for key in place:
        content = content[key]
    return content


def another(value, draw):
    """A value in place of one: near it, or of another type altogether."""
    if isinstance(value, bool) or draw.random() < 0.4:
        return draw.choice([*TEXTS, *NUMBERS, *OTHERS])
    if isinstance(value, int | float):
        return draw.choice([value + 1, -value, value * 10, value / 3, value * 10**6, f"{value}"])
    if isinstance(value, str):
        place = draw.randrange(len(value) + 1)
        return value[:place] + draw.choice(TEXTS)[:50] + value[place:]
    if isinstance(value, list) and value:
        return draw.choice([value[::-1], value + value, value[1:], [*value, draw.choice(TEXTS)]])
    return {**value, draw.choice(TEXTS): 1} if isinstance(value, dict) else value


def spoil_a_value(content, draw):
    """One value is another, has another's, or is gone; its key."""
    place = draw.choice([place for place in places(content) if place])
    section, key = at(content, place[:-1]), place[-1]
    way = draw.random()
    if way < 0.1:
        del section[key]
    elif way < 0.2:
        section[key] = copy.deepcopy(at(content, draw.choice(list(places(content)))))
    else:
        section[key] = another(section[key], draw)
    return json.dumps(content).encode(), place


def spoil_the_text(content, draw):
    """Some bytes of the file are others."""
    text = bytearray(json.dumps(content, indent=1).encode())
    for _ in range(draw.randrange(1, 4)):
        place = draw.randrange(len(text))
        filling = draw.choice(
            [b"\0", b"\xff", b"{", b"]", b'"', b"&a", b"*a", b"!!x ", b": ", b"\n", b"9"]
        )
        text[place : place + draw.randrange(3)] = filling
    return bytes(text), None


def refused_well(message, place, path):
    """Whether lines name what is wrong: a key on the way to what was spoilt, or a line."""
    assert "Traceback" not in message
    assert all(line.isprintable() for line in message.split("\n"))
    assert message.startswith("config: ")
    assert max(map(len, message.split("\n"))) < 2000
    if place is None:
        return True
    names = [str(key) for key in place if isinstance(key, str)]
    return f"{path}" in message or any(name in message for name in names) or len(place) == 1


def makes_sense(configs):
    """Whether what follows from a config is finite, and paths stay where they belong."""
    for config in configs.values():
        assert Config.model_validate_json(json.dumps(config.plain())) == config
        found = [*packages(config.domains), *from_hub(config.domains)]
        found += [model_directory(config.domains.text.judge)]
        found += [model_directory(config.domains.image.encoder), config.run]
        for name in DOMAINS:
            domain = config.domain(name)
            of_domain = cells(domain, []) if domain.enabled else []
            found += [cell.label for cell in of_domain]
            if of_domain:
                assert describe_disk(config, {name: of_domain}, 1)
        for path in found:
            assert PATH.fullmatch(path), path
            assert ".." not in path.split("/")
        values = [at(config.plain(), place) for place in places(config.plain())]
        assert all(math.isfinite(value) for value in values if isinstance(value, float))
    return True


@pytest.mark.parametrize("spoil", [spoil_a_value, spoil_the_text])
@pytest.mark.parametrize("base", BASES)
def test_spoilt_configs_are_refused_with_their_key_or_make_sense(tmp_path, base, spoil):
    known, draw, path = plain(base), random.Random(f"{base} {spoil.__name__}"), tmp_path / "c.yaml"
    outcomes = {"refused": 0, "accepted": 0}
    for _ in range(MUTANTS):
        text, place = spoil(copy.deepcopy(known), draw)
        path.write_bytes(text)
        try:
            configs = load_configs(path, PRESETS, {})
        except PipelineError as error:
            assert refused_well(f"{error}", place, path), (place, f"{error}")
            outcomes["refused"] += 1
        else:
            assert makes_sense(configs)
            outcomes["accepted"] += 1
    assert min(outcomes.values()) > 0
