"""The modules of every domain have what the shared stages ask of them.

The type checker reads this file: a module fits a protocol if it may be assigned to a name of this
type. All parts of a domain have to be about the network that its `model` part builds.
"""

from importlib.util import find_spec
from types import ModuleType

from pipeline.datasets.build import Data
from pipeline.image import controls as image_controls
from pipeline.image import data as image_data
from pipeline.image import measure as image_measure
from pipeline.image import model as image_model
from pipeline.image import sampler as image_sampler
from pipeline.image import settings as image
from pipeline.measurement.controls import Controls
from pipeline.measurement.measure import Measures
from pipeline.measurement.probe import Probes
from pipeline.networks.transformer import Transformer
from pipeline.networks.unet2d import UNet2d
from pipeline.rhm import data as rhm_data
from pipeline.rhm import measure as rhm_measure
from pipeline.rhm import model as rhm_model
from pipeline.rhm import probe as rhm_probe
from pipeline.rhm import sampler as rhm_sampler
from pipeline.rhm import settings as rhm
from pipeline.rhm import trees as rhm_trees
from pipeline.rhm.grammar.rules import Grammar
from pipeline.sampling.parts import Sampler
from pipeline.stages.catalogue import STAGES
from pipeline.stages.domains import DOMAINS
from pipeline.stages.parts import part_module
from pipeline.text import controls as text_controls
from pipeline.text import data as text_data
from pipeline.text import measure as text_measure
from pipeline.text import model as text_model
from pipeline.text import probe as text_probe
from pipeline.text import sampler as text_sampler
from pipeline.text import settings as text
from pipeline.training.parts import TrainableModel

RHM_DATA: Data[rhm.DatasetSettings] = rhm_data
TEXT_DATA: Data[text.DatasetSettings] = text_data
IMAGE_DATA: Data[image.DatasetSettings] = image_data
TEXT_CONTROLS: Controls[text.ControlSettings] = text_controls
IMAGE_CONTROLS: Controls[image.ControlSettings] = image_controls

RHM_MODEL: TrainableModel[rhm_model.StringUNet, rhm.TrainSettings] = rhm_model
RHM_SAMPLER: Sampler[rhm_model.StringUNet, rhm.Sampling, rhm.TrainSettings] = rhm_sampler
RHM_PROBE: Probes[rhm_model.StringUNet, rhm.Probe, rhm.TrainSettings] = rhm_probe
RHM_MEASURE: Measures[Grammar, rhm.Measurement] = rhm_measure
RHM_TREES: Measures[Grammar, rhm.ShownStrings] = rhm_trees

TEXT_MODEL: TrainableModel[Transformer, text.TrainSettings] = text_model
TEXT_SAMPLER: Sampler[Transformer, text.Sampling, text.TrainSettings] = text_sampler
TEXT_PROBE: Probes[Transformer, text.Probe, text.TrainSettings] = text_probe
TEXT_MEASURE: Measures[text_measure.RealText, text.Measurement] = text_measure

IMAGE_MODEL: TrainableModel[UNet2d, image.TrainSettings] = image_model
IMAGE_SAMPLER: Sampler[UNet2d, image.Sampling, image.TrainSettings] = image_sampler
IMAGE_MEASURE: Measures[image_measure.RealImages, image.Measurement] = image_measure


def test_every_part_of_every_domain_is_held_against_a_contract() -> None:
    modules = [module for module in globals().values() if isinstance(module, ModuleType)]
    held = {module.__name__ for module in modules if module.__name__.startswith("pipeline.")}
    parts = {part for stage in STAGES.values() for part in stage.parts.values()}
    named = [part_module(domain, part) for domain in DOMAINS for part in parts]
    settings = {part_module(domain, "settings") for domain in DOMAINS}
    assert {name for name in named if find_spec(name)} == held - settings
