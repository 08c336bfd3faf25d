"""Every setting, declared once: name, type, limits, default and what it is for.

A value comes from the command line, else the environment, else the file, else the default. In the file
(TOML) a setting is `section.key`; in the environment it is `SIGHTLINE_SECTION_KEY`. `settings_sources`
finds and loads them.
"""

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from schemas.fields import STREAM_ID

Mode = Literal["frames", "detections"]
Head = Literal[
    "yolov8",
    "yolov5",
    "yolox",
    "end2end",
    "yolov6",
    "yolox-decoded",
    "end2end-xywh",
    "nms",
    "rtdetr",
    "detr",
]
Networks = Literal["in-process", "python", "onnxruntime", "tensorrt"]


def _known_zone(name: str) -> str:
    known = available_timezones()
    if known and name not in known:  # a bare system knows none, and ClickHouse has its own list
        raise ValueError("it should be a time zone such as UTC or Europe/Berlin")
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]
StreamId = Annotated[str, StringConstraints(pattern=STREAM_ID)]


class Section(BaseModel):
    """A group of settings; an unknown key in it is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())


class KafkaSettings(Section):
    """The broker."""

    bootstrap: str | None = Field(
        None, description="host:port of a broker to use, comma separated; unset starts one here"
    )
    home: Path | None = Field(None, description="Kafka distribution to start the local broker from")
    java: Path | None = Field(None, description="java binary (17 or newer) for the local broker")
    heap_mb: int = Field(384, ge=128, description="heap of the local broker, MiB, held from the start")
    partitions: int = Field(
        8, ge=1, le=10_000, description="partitions of each topic: the most members a group can use"
    )
    replication: int = Field(1, ge=1, le=9, description="replicas of each partition; 3 in production")
    retention_scale: float = Field(1.0, gt=0, description="factor on how long every topic keeps its records")
    session_timeout_s: float = Field(
        12.0, ge=6, le=300, description="a silent group member is given up after this"
    )
    delivery_timeout_s: float = Field(
        8.0,
        ge=1,
        le=300,
        description="an unsent record fails after this; below the session time-out, see guarantees",
    )


class TritonSettings(Section):
    """The inference server."""

    url: str | None = Field(None, description="host:port of a Triton's gRPC to use; unset starts one here")
    model: str = Field("analyzer", description="name of the model that takes JPEGs")
    networks: Networks = Field(
        "in-process",
        description="where the networks run: in the analyzer's process, or as Triton models of this backend",
    )
    queue_delay_ms: float = Field(
        2.0, ge=0, le=1000, description="a request waits at most this long for others to share its batch"
    )
    timeout_s: float = Field(10.0, gt=0, description="a request without an answer is tried again after this")
    frames_per_request: int = Field(8, ge=1, le=32, description="most frames in one request")
    requests_in_flight: int = Field(
        4, ge=1, le=64, description="requests an infer worker has under way at once"
    )
    max_held_mib: int = Field(
        64, ge=1, description="an infer worker stops reading while it holds more, MiB of JPEG"
    )
    max_tries: int = Field(
        3, ge=1, description="a frame that alone fails this often goes to the dead letters"
    )


class ModelSettings(Section):
    """The detector, on the server and in gateways that detect."""

    path: Path | None = Field(
        None, description="ONNX file, or a model's folder; unset takes the shipped detector"
    )
    head: Head | None = Field(
        None, description="layout of the model's output; named for an ONNX file, a folder tells its own"
    )
    labels: str | None = Field(None, description='class names: a file with one a line, or "coco"')
    mirror: str | None = Field(
        None, description="address of a folder with the files of `sightline models get`; unset: their makers'"
    )
    score_threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="lower scores are not published; unset: 0.25 for the shipped detector, else 0.1",
    )
    nms_iou: float | None = Field(
        None,
        gt=0,
        le=1,
        description="of two boxes of a class that overlap more, one is kept; unset: 0.5 for the shipped "
        "detector, else as the head's authors",
    )
    max_detections: int = Field(300, ge=1, le=4096, description="most detections of one frame, best first")
    appearance: Literal["none"] | Path | None = Field(
        None,
        description='folder of an appearance network, or "none"; unset: the shipped detector\'s',
    )
    appearance_score_threshold: float = Field(
        0.25, ge=0, le=1, description="the appearance network looks at detections from this score up"
    )
    backend: Literal["onnx", "tensorrt"] = Field(
        "onnx",
        description="what runs the networks in this process: ONNX Runtime, or engines of `models build`",
    )
    precision: Literal["fp32", "fp16", "int8"] | None = Field(
        None, description="which engines the backend tensorrt takes; unset: the narrowest that was built"
    )
    device: Literal["cpu", "cuda"] = Field("cpu", description="where ONNX Runtime runs networks")
    instances: int = Field(1, ge=1, le=64, description="copies of the model in the local Triton")
    threads: int = Field(2, ge=1, le=256, description="CPU threads of each copy")


class GatewaySettings(Section):
    """What a gateway does unless a stream says otherwise."""

    mode: Mode = Field("frames", description='"frames": the server detects; "detections": the gateway does')
    jpeg_quality: int = Field(90, ge=10, le=100, description="JPEG quality of published frames")
    max_queue_frames: int = Field(
        64, ge=1, description="frames held while the broker is slow; a live camera then drops"
    )
    reconnect_delay_s: float = Field(2.0, gt=0, description="wait before a lost camera is opened again")
    open_tries: int = Field(
        3, ge=0, description="a camera that cannot be opened at first is given up after this; 0 is never"
    )
    read_ahead_frames: int = Field(
        256, ge=0, description="a file is read at most this far ahead of its consumers; 0 is no limit"
    )
    delivery_timeout_s: float = Field(
        600.0, ge=0, description="a frame that the broker has not stored after this is dropped; 0 is never"
    )
    truth: bool = Field(
        False, description="publish what synthetic cameras know of their frames, to compare answers with it"
    )


class InferSettings(Section):
    """The infer stage."""

    instance_id: str | None = Field(
        None, description="a name of this worker's own: its restart then moves no partition"
    )


class TrackSettings(Section):
    """The track stage."""

    snapshot_interval_s: float = Field(
        1.0, gt=0, le=60, description="longest replay after the death of a worker"
    )
    instance_id: str | None = Field(
        None, description="a name of this worker's own: its restart then moves no partition"
    )
    standby_replicas: int = Field(
        0, ge=0, le=3, description="workers that keep a warm copy of each partition's state"
    )


class WriteSettings(Section):
    """The ClickHouse writer."""

    detections: bool = Field(True, description="keep every detection in the table `detections`")
    max_batch_rows: int = Field(50_000, ge=1, le=500_000, description="a batch is inserted at this many rows")
    max_batch_delay_s: float = Field(0.4, gt=0, le=60, description="or when its first record is this old")
    instance_id: str | None = Field(
        None, description="a name of this writer's own: its restart then moves no partition"
    )


class ClickHouseSettings(Section):
    """Where tables live."""

    dsn: str | None = Field(
        None,
        description="clickhouse://user:password@host:port of a server; unset runs the engine in the writer",
    )
    database: str = Field(
        "sightline", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$", description="database of the tables"
    )
    time_zone: TimeZone | None = Field(
        None,
        description="zone of times in answers, of now() and of today(), such as Europe/Berlin; unset: UTC",
    )
    http_port: int = Field(
        0, ge=0, le=65_535, description="port of the writer's read-only HTTP; 0 takes a free one"
    )


class StatusSettings(Section):
    """Health reports on `sightline.streams.v1`."""

    interval_s: float = Field(
        1.0, ge=0.1, le=600, description="how often a stage reports each of its streams"
    )


class DataSettings(Section):
    """The data folder of the local stack."""

    dir: Path = Field(Path("sightline-data"), description="logs, broker, tables and state of the local stack")


class CacheSettings(Section):
    """Downloaded servers."""

    dir: Path | None = Field(None, description="where Kafka and Triton are kept; default ~/.cache/sightline")
    maven_url: str | None = Field(
        None,
        description="Maven repository for Kafka and the models' Python; unset is Maven Central",
    )


class LogSettings(Section):
    """Logs."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe lines to print"
    )


class StreamSettings(Section):
    """One camera of this gateway."""

    source: str = Field(description="a file, an rtsp:// or http:// address, or synthetic:KIND")
    mode: Mode | None = Field(None, description="overrides gateway.mode")
    realtime: bool = Field(
        False, description="read a file at its own rate, dropping what is late, as a camera"
    )


class Settings(Section):
    """All settings of Sightline."""

    kafka: KafkaSettings = KafkaSettings()
    triton: TritonSettings = TritonSettings()
    model: ModelSettings = ModelSettings()
    gateway: GatewaySettings = GatewaySettings()
    infer: InferSettings = InferSettings()
    track: TrackSettings = TrackSettings()
    write: WriteSettings = WriteSettings()
    clickhouse: ClickHouseSettings = ClickHouseSettings()
    status: StatusSettings = StatusSettings()
    data: DataSettings = DataSettings()
    cache: CacheSettings = CacheSettings()
    log: LogSettings = LogSettings()
    streams: dict[StreamId, StreamSettings] = Field(
        {}, description="the cameras of this gateway, by stream id"
    )
