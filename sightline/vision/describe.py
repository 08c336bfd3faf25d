"""Find out what an ONNX detector is, and check that it is what its user or its exporter says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.box_checks import MOST_SHARE
from sightline.vision.exporter_metadata import (
    Metadata,
    check_task,
    check_told,
    told_head,
    told_heads,
    told_names,
)
from sightline.vision.head_checks import count_classes
from sightline.vision.heads import FINAL_BOXES, SET_PREDICTIONS, Head, InputSize
from sightline.vision.labels import COCO_91_LABELS, COCO_LABELS, MAX_LABELS, read_labels
from sightline.vision.model import (
    SPEC_FILE,
    ModelSpec,
    Preprocessing,
    default_preprocessing,
    load_spec,
    model_file,
)
from sightline.vision.model_input import ModelInput, picture_input, refuse_more_inputs, takes_many
from sightline.vision.onnx_backend import OnnxOptions, open_session, run_session
from sightline.vision.output_checks import Findings, check_outputs
from sightline.vision.preprocess import Preprocessor
from sightline.vision.trial import Trial
from sightline.vision.trial_pictures import trial_pictures

TRIAL_PICTURES: Final = 3


@dataclass(frozen=True)
class Asked:
    """What the user says of a model; what is None is found out.

    Attributes:
        head: Its output layout.
        labels: `coco`, `coco-91`, or the path of a file with one class name a line.
        output_name: Which output holds the detections, for a model with several.
        input_size: The input size to use for a model with dynamic axes.
        preprocessing: How pictures are fed; None for the way of the head's authors.
    """

    head: Head | None = None
    labels: str | None = None
    output_name: str | None = None
    input_size: InputSize | None = None
    preprocessing: Preprocessing | None = None


@dataclass(frozen=True)
class Examined:
    """What a model turned out to be.

    Attributes:
        spec: What it is.
        findings: What its answers to the trial pictures show.
    """

    spec: ModelSpec
    findings: Findings


def describe_onnx(
    path: Path,
    head: Head | None,
    labels: str | None = None,
    output_name: str | None = None,
    input_size: InputSize | None = None,
) -> ModelSpec:
    """The spec of `examine_onnx`, which see."""
    return examine_onnx(path, Asked(head, labels, output_name, input_size)).spec


def examine_onnx(path: Path, asked: Asked, file: Path | None = None) -> Examined:
    """Inspect an ONNX file, run it on a few pictures, and check its answers against its head.

    The head comes from the user, else from the file's metadata. Class names come from `labels`, else from the
    metadata (key `names`, as Ultralytics writes it), else they are COCO's if the model has 80 or 91 classes.
    The size of an input with dynamic axes comes from `input_size`, else from the metadata (key `imgsz`), else
    it is 640x640.

    Args:
        path: The ONNX file, as errors name it.
        asked: What the user says of it.
        file: Where it is read from, if this is not `path`.

    Raises:
        SightlineError: The model cannot be loaded or run, or does not fit; says what was expected and found.
    """
    session = _open(file or path, asked.head)
    metadata = dict(session.get_modelmeta().custom_metadata_map)
    check_task(path, metadata)
    if asked.head is None and told_heads(metadata) is None:
        raise _head_missing(path)
    model_input = picture_input(path, session, metadata, asked.input_size)
    refuse_more_inputs(path, session)
    if asked.head is not None and file in (None, path):
        check_told(path, metadata, asked.head)
    if asked.head is Head.NMS:
        raise _to_be_added(path, asked.head, "gives the rows of all pictures of a batch in one")
    output = _choose_output(path, session, asked)
    return _try_out(path, session, metadata, asked, model_input, output)


def _open(path: Path, head: Head | None) -> Any:
    try:
        return open_session(path, OnnxOptions())
    except SightlineError as error:
        if head is not None:
            raise
        raise SightlineError(
            error.what, f"{error.fix} If it does not say what it is, give --head (model.head) too."
        ) from error


def _head_missing(path: Path) -> SightlineError:
    """Nobody says what kind of detector it is."""
    return SightlineError(
        f"Nothing says what kind of detector {path} is.",
        f"Give --head (model.head): {', '.join(Head)}; or put a {SPEC_FILE} beside it.",
    )


def _try_out(
    path: Path, session: Any, metadata: Metadata, asked: Asked, model_input: ModelInput, output: str
) -> Examined:
    first = _run(path, session, model_input, output, asked.head)
    head = asked.head or told_head(metadata, first.shape)
    if head is None:
        raise _head_missing(path)
    spec = ModelSpec(
        head=head,
        width=model_input.size.width,
        height=model_input.size.height,
        input_name=model_input.name,
        output_name=output,
        labels=(),  # until it is known how many classes there are
        preprocessing=asked.preprocessing or default_preprocessing(head),
        batch=model_input.batch,
        layout=model_input.layout,
        dtype=model_input.dtype,
    )
    outputs = _answers(path, session, spec)
    if head is Head.RTDETR and _has_final_boxes(outputs, told_names(path, metadata)):
        # Ultralytics' later exports do (8.4.190): the best class of each query is chosen in the graph.
        spec = replace(spec, head=Head.END2END_XYWH)
    classes = count_classes(path, spec.head, (len(outputs), *outputs[0].shape), spec.size)
    nameless = asked.labels is None and told_names(path, metadata) is None
    if nameless or spec.head in SET_PREDICTIONS:
        # A wrong head is a better answer than a missing name, or one too many.
        unnamed = ("",) * (classes or MAX_LABELS)
        check_outputs(Trial(path, spec.head, outputs, spec.size, unnamed))
    labels = _names(path, asked.labels, metadata, spec.head, classes)
    findings = check_outputs(Trial(path, spec.head, outputs, spec.size, labels))
    spec = replace(
        spec,
        labels=labels,
        labels_version="",
        box_units=findings.form.box_units,
        scores=findings.form.scores,
    )
    return Examined(spec, findings)


def _has_final_boxes(outputs: Sequence[NDArray[np.float32]], names: tuple[str, ...] | None) -> bool:
    """Whether rows of six are a box in shares, a score and a class id, and no two class scores."""
    if any(output.ndim != 2 or output.shape[1] != 6 for output in outputs):
        return False
    rows = np.concatenate(outputs)
    if np.nanmax(np.abs(rows[:, :4]), initial=0) > MOST_SHARE:
        return False
    if names is not None and len(names) != 2:
        return True
    ids = rows[(rows[:, :4] != 0).any(axis=1), 5]
    return len(ids) > 0 and bool((ids == np.rint(ids)).all())


def _to_be_added(path: Path, head: Head | None, why: str) -> SightlineError:
    option = f" --head {head.value}" if head else ""
    return SightlineError(
        f"The model {path} {why}, which is put in order once, when it is added.",
        f"Add it: sightline models add {path}{option}; and run the folder that this writes.",
    )


def _choose_output(path: Path, session: Any, asked: Asked) -> str:
    names = [output.name for output in session.get_outputs()]
    if asked.output_name is None and len(names) == 1:
        return str(names[0])
    if asked.output_name in names:
        return str(asked.output_name)
    if asked.output_name is not None:
        raise SightlineError(
            f"The model {path} has no output {asked.output_name!r}; it has {', '.join(names)}."
        )
    axes = [len(output.shape or ()) for output in session.get_outputs()]
    if min(axes) >= 4:
        raise SightlineError(
            f"The {len(names)} outputs of {path} ({', '.join(names)}) are the maps of its grids, of which no "
            "boxes were made.",
            "Export the model with what makes boxes of them, as its authors' own export does.",
        )
    # A mask's prototypes are the one output with four axes that a detector's exporters write.
    if 4 in axes:
        raise SightlineError(
            f"The model {path} has {len(names)} outputs ({', '.join(names)}); expected one, and one of them "
            "looks like the masks of a segmentation model.",
            "Export a detection model.",
        )
    if asked.head in SET_PREDICTIONS | FINAL_BOXES:
        assert asked.head is not None
        raise _to_be_added(
            path, asked.head, f"gives its answers in {len(names)} outputs ({', '.join(names)})"
        )
    raise SightlineError(
        f"The model {path} has {len(names)} outputs ({', '.join(names)}); expected one.",
        "Name the output that holds the detections with --output, or export the model with this output "
        f"alone. Where boxes and scores are outputs of their own, the head is {Head.END2END.value} (with "
        f"class ids) or {Head.RTDETR.value} (a score for each class).",
    )


def _run(path: Path, session: Any, model_input: ModelInput, output: str, head: Head | None) -> NDArray[Any]:
    """Run the model once on black pictures: shapes in the file may be unknown, wrong or symbolic."""
    size = model_input.size
    batch = np.zeros((model_input.batch or 1, *model_input.planes), dtype=model_input.dtype)
    try:
        result: NDArray[Any] = run_session(path, session, [output], {model_input.name: batch})[0]
    except SightlineError as error:
        raise SightlineError(
            f"A picture of {size.width}x{size.height} cannot be run: {error.what}",
            f"Give the input size that the model was trained with. {error.fix}",
        ) from error
    if result.dtype not in (np.float32, np.float16):
        raise SightlineError(
            f"The output {output!r} of {path} is {result.dtype}; expected float32 or float16.",
            "Export the model with a float output.",
        )
    if head is not None:
        count_classes(path, head, result.shape, size)
    if not takes_many(session, model_input, [output]):
        raise _to_be_added(path, head, "takes one picture at a time, though its input says any number,")
    return result


def _answers(path: Path, session: Any, spec: ModelSpec) -> list[NDArray[np.float32]]:
    """What the model gives for each trial picture, without the batch axis."""
    preprocess = Preprocessor(spec)
    answers = []
    for picture in trial_pictures(TRIAL_PICTURES):
        batch, _ = preprocess([picture] * (spec.batch or 1))
        (output,) = run_session(path, session, [spec.output_name], {spec.input_name: batch})
        answers.append(output[0].astype(np.float32))
    return answers


def _names(
    path: Path, labels: str | None, metadata: Metadata, head: Head, classes: int | None
) -> tuple[str, ...]:
    told = told_names(path, metadata) if labels is None else None
    by_count = {len(known): known for known in (COCO_LABELS, COCO_91_LABELS)}
    if labels is not None:
        names, source = read_labels(labels), f"the labels {labels!r}"
    elif told is not None:
        names, source = told, "the file's metadata"
    elif classes in by_count:
        return by_count[classes]
    else:
        count = "an unknown number of" if classes is None else str(classes)
        raise SightlineError(
            f"The model {path} has {count} classes and no names for them.",
            "Give a labels file with one class name a line, or coco.",
        )
    if classes is not None and len(names) != classes:
        other = {Head.RTDETR: (Head.DETR, 1), Head.DETR: (Head.RTDETR, -1)}.get(head)
        suspect = f"Is it --head {other[0].value}? " if other and classes - len(names) == other[1] else ""
        raise SightlineError(
            f"The model {path} has {classes} classes, but {source} name {len(names)}.",
            f"{suspect}Give the labels that the model was trained with. If these are they, its output holds "
            "more than boxes and classes (masks, key points, angles): export a detection model.",
        )
    return names


def find_model(
    path: Path,
    head: Head | None = None,
    labels: str | None = None,
    doubt: Callable[[str], None] | None = None,
) -> tuple[Path, ModelSpec]:
    """Find a detector's ONNX file and say what it is.

    Args:
        path: An ONNX file, or a folder as `model_file` takes.
        head: Its output layout; None to take it and all else from the `model.json` beside it, or without one
            from what the exporter wrote into the file.
        labels: As for `examine_onnx`; not with a `model.json`.
        doubt: Told what seems odd about a model that nothing but its user vouches for.

    Returns:
        The ONNX file, and its spec.

    Raises:
        SightlineError: As `examine_onnx` and `load_spec`; or nobody says what its head is.
    """
    file = model_file(path)
    if not file.is_file():
        raise SightlineError(f"There is no model at {file}.", "Give the path of an ONNX file.")
    if head is None and (file.parent / SPEC_FILE).is_file():
        return file, load_spec(file.parent)
    examined = examine_onnx(file, Asked(head, labels))
    if doubt is not None:
        for sentence in examined.findings.doubts:
            doubt(sentence)
    return file, examined.spec
