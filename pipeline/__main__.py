"""Command line: `python -m pipeline <stage> --spec JSON ...`, one stage per call, and `status`.

The workflow's rules call stages, users call `status`. Stages are imported when they run, so that
those which need no torch start without it.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from pipeline.base.errors import PipelineError
from pipeline.run.job_environment import use_allocated_cpus
from pipeline.stages.parts import load_part
from pipeline.stages.specs import start_job


def _grammar(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.rhm.grammar.rules import make_grammar

    make_grammar(spec, args.output)


def _fetch(args: argparse.Namespace) -> None:
    from pipeline.sources.fetch import fetch_hub, fetch_package

    source = json.loads(args.source)
    (fetch_package if "registry" in source else fetch_hub)(source, args.output)


def _corpus(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.sources.contents import planned_files
    from pipeline.text.corpus.build import make_corpus

    files = planned_files(spec["settings"])
    make_corpus(spec, [*files, *args.archives], args.tokens, args.tokenizer)


def _dataset(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.datasets.build import make_dataset

    make_dataset(spec, load_part(spec["domain"], "data"), args.sources, args.output)


def _train(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.training.train import train

    model = load_part(spec["domain"], "model")
    keep_work, shares = bool(args.keep_work), (args.processes, args.accumulation)
    train(spec, model, args.dataset, args.checkpoints, args.losses, keep_work, *shares)


def _sample(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.sampling.generate import sample

    model, sampler = (load_part(spec["domain"], part) for part in ("model", "sampler"))
    sample(spec, model, sampler, args.checkpoints, args.samples)


def _measure(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.measurement.measure import measure

    measures = load_part(spec["domain"], spec["stage"])
    dataset = args.dataset[0] if args.dataset else None
    measure(spec, measures, args.sources, dataset, args.samples, args.output)


def _probe(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.measurement.probe import probe

    model, probes = (load_part(spec["domain"], part) for part in ("model", "probe"))
    probe(spec, model, probes, args.sources, args.dataset, args.checkpoints, args.output)


def _ceiling(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.rhm.ceiling import ceiling

    ceiling(spec, args.sources, args.output)


def _theory(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.rhm.theory.tabulate import tabulate

    tabulate(spec, args.sources, args.output)


def _images(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.image.dataset.build import make_images
    from pipeline.sources.contents import planned_files

    make_images(spec, planned_files(spec["settings"]) or args.sources, args.output)


def _controls(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.measurement.controls import make_controls

    make_controls(spec, load_part(spec["domain"], "controls"), args.source, args.controls)


def _encode(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.image.features.encode import encode

    encode(spec, args.encoder, args.samples, args.features)


def _encode_training(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.image.features.encode import encode_training

    encode_training(spec, args.encoder, args.dataset, args.output)


def _pictures(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.image.pictures import keep_pictures

    keep_pictures(spec, args.samples, args.output)


def _prepare_encoder(args: argparse.Namespace) -> None:
    from pipeline.image.features.encoder import prepare_encoder

    prepare_encoder(json.loads(args.model), args.archive, args.output, args.size, args.layers)


def _decode(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.text.perplexity.texts import decode_samples

    decode_samples(spec, args.tokenizer, args.samples, args.output)


def _prepare_judge(args: argparse.Namespace) -> None:
    from pipeline.text.perplexity.language_model import prepare_model

    prepare_model(json.loads(args.model), args.archive, args.output, args.longest)


def _judge(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.text.perplexity.judge import judge

    judge(spec, args.model, args.tokenizer, args.samples, args.output)


def _aggregate(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.analysis.aggregate import aggregate

    aggregate(spec, args.parts, args.ceilings, args.output)


def _concatenate(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.analysis.concatenate import concatenate

    concatenate(spec, args.parts, args.output)


def _analyse(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.analysis.sample_complexity import analyse

    analyse(spec, args.measurements, args.losses, args.probes, args.output)


def _depart(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.analysis.departures import depart

    depart(spec, args.measurements, args.losses, args.output)


def _memorize(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.analysis.memorization import memorize

    memorize(spec, args.measurements, args.times, args.exponents)


def _exponents(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.analysis.compare import compare

    compare(spec, args.table, args.measurements, args.losses, args.exponents, args.laws)


def _converge(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.analysis.convergence import converge

    converge(spec, args.measurements, args.calibration, args.output)


def _claims(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.claims.decide import decide

    decide(spec, args.tables, args.output)


def _verdicts(args: argparse.Namespace, spec: dict) -> None:
    from pipeline.claims.decide import show_verdicts

    show_verdicts(spec, args.tables, args.output, args.page)


def _figure(args: argparse.Namespace, spec: dict) -> None:
    os.environ["MPLBACKEND"] = "agg"  # figures are drawn the same whatever the user's is
    try:
        from pipeline.figures.save import save_figure
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError(
            f"figures: matplotlib cannot read its settings ({error}); mend or remove the file "
            "matplotlibrc here, at MATPLOTLIBRC, or in ~/.config/matplotlib"
        ) from error

    save_figure(spec, args.tables, args.outputs)


def _status(args: argparse.Namespace) -> None:
    from pipeline.run.status import print_status

    print_status(Path(), args.name, args.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    stages = parser.add_subparsers(required=True, metavar="stage")
    _stage(stages, "grammar", _grammar, one=["output"])
    _stage(stages, "dataset", _dataset, one=["output"], many=["sources"])
    train = _stage(stages, "train", _train, one=["dataset", "losses"], many=["checkpoints"])
    train.add_argument("--keep-work", type=int, required=True, help="1: keep resumable states")
    train.add_argument("--processes", type=int, required=True, help="how many train together")
    train.add_argument("--accumulation", type=int, required=True, help="parts of each one's share")
    _stage(stages, "sample", _sample, many=["checkpoints", "samples"])
    _stage(stages, "measure", _measure, one=["output"], many=["dataset", "sources", "samples"])
    _stage(stages, "probe", _probe, one=["dataset", "output"], many=["sources", "checkpoints"])
    _stage(stages, "ceiling", _ceiling, one=["output"], many=["sources"])
    _stage(stages, "theory", _theory, one=["output"], many=["sources"])
    _stage(stages, "corpus", _corpus, one=["tokens", "tokenizer"], many=["archives"])
    _stage(stages, "images", _images, one=["output"], many=["sources"])
    _stage(stages, "controls", _controls, one=["source"], many=["controls"])
    _stage(stages, "encode", _encode, one=["encoder"], many=["samples", "features"])
    _stage(stages, "encode_training", _encode_training, one=["encoder", "dataset", "output"])
    _stage(stages, "pictures", _pictures, one=["output"], many=["samples"])
    _stage(stages, "decode", _decode, one=["tokenizer", "output"], many=["samples"])
    _stage(stages, "judge", _judge, one=["model", "tokenizer", "output"], many=["samples"])
    _stage(stages, "aggregate", _aggregate, one=["output"], many=["parts", "ceilings"])
    _stage(stages, "concatenate", _concatenate, one=["output"], many=["parts"])
    _stage(stages, "analyse", _analyse, one=["measurements", "losses", "probes", "output"])
    _stage(stages, "depart", _depart, one=["output"], many=["measurements", "losses"])
    _stage(stages, "memorize", _memorize, one=["measurements", "times", "exponents"])
    _stage(
        stages,
        "exponents",
        _exponents,
        one=["table", "measurements", "losses", "exponents", "laws"],
    )
    _stage(stages, "converge", _converge, one=["measurements", "calibration", "output"])
    _stage(stages, "claims", _claims, one=["output"], many=["tables"])
    _stage(stages, "verdicts", _verdicts, one=["output", "page"], many=["tables"])
    _stage(stages, "figure", _figure, many=["tables", "outputs"])
    fetch = stages.add_parser("fetch", help="fetch a package or a dataset that the config pins")
    fetch.add_argument("--source", required=True, help="section of the config, as JSON")
    fetch.add_argument("--output", type=Path, required=True)
    fetch.set_defaults(run=_fetch)
    judge = _preparation(stages, "prepare_judge", _prepare_judge)
    judge.add_argument("--longest", type=int, required=True, help="tokens that it is to read")
    encoder = _preparation(stages, "prepare_encoder", _prepare_encoder)
    encoder.add_argument("--size", type=int, required=True, help="pixels of a side of images")
    encoder.add_argument("--layers", type=int, nargs="+", required=True, help="those wanted")
    status = stages.add_parser("status", help="how far every cell of a run is")
    status.add_argument("name", metavar="run", help="name of the run, below results/")
    status.add_argument("--json", action="store_true", help="a list of objects, not a table")
    status.set_defaults(run=_status)
    return parser


def _preparation(stages, name, run) -> argparse.ArgumentParser:  # noqa: ANN001
    parser = stages.add_parser(name, help="make a pretrained model ready to be loaded")
    parser.add_argument("--model", required=True, help="section of the config, as JSON")
    parser.add_argument("--archive", type=Path, help="package of the model")
    parser.add_argument("--output", type=Path, required=True)
    parser.set_defaults(run=run)
    return parser


def _stage(stages, name, run, one=(), many=()) -> argparse.ArgumentParser:  # noqa: ANN001
    parser = stages.add_parser(name, help=f"run the {name} stage")
    parser.add_argument("--spec", required=True, help="canonical JSON written by the workflow")
    for option in one:
        parser.add_argument(f"--{option}", type=Path, required=True)
    for option in many:
        parser.add_argument(f"--{option}", type=Path, nargs="*", required=True)
    parser.set_defaults(run=run)
    return parser


def main() -> None:
    """Run one stage; a failure the user can mend is one line on standard error."""
    args = _parser().parse_args()
    use_allocated_cpus(getattr(args, "processes", 1))
    try:
        args.run(args, start_job(args.spec)) if "spec" in args else args.run(args)
    except PipelineError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
