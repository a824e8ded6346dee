"""Parameters of caption_node; the only place of their defaults (`config/caption.yaml` repeats them)."""

from __future__ import annotations

from dataclasses import dataclass

from ser_ros.node.parameters import NodeParameters, parameter
from ser_ros.runtime.captioner import CaptionOptions

_MODEL = "the model is loaded when the node is configured"
_TOPICS = "subscriptions are made from it when the node is activated"
_DEFAULT = CaptionOptions()


def _check_cameras(cameras: tuple[str, ...]) -> str | None:
    if not cameras or not all(cameras):
        return "name at least one topic, and no empty one"
    if len(set(cameras)) < len(cameras):
        return "each topic may stand there once"
    return None


@dataclass(frozen=True)
class CaptionParameters(NodeParameters):
    """See the descriptions of the fields."""

    # what to look at
    cameras: tuple[str, ...] = parameter(
        ("image",),
        "image topics, one per camera; each is also the name of its camera in the messages",
        check=_check_cameras,
        fixed=_TOPICS,
    )
    compressed: bool = parameter(
        False, "subscribe to TOPIC/compressed (sensor_msgs/CompressedImage) instead of TOPIC", fixed=_TOPICS
    )
    image_reliability: str = parameter(
        "best_effort",
        "reliability of the image subscriptions; best_effort hears every publisher, reliable loses no image "
        "on a weak network but hears reliable publishers only",
        choices=("best_effort", "reliable"),
        fixed=_TOPICS,
    )
    rotation: int = parameter(
        0, "turn images clockwise by so many degrees, for a camera mounted askew", choices=(0, 90, 180, 270)
    )
    camera_timeout: float = parameter(
        3.0, "a camera is called stale after so long without an image", unit="s", bounds=(0.1, 3600.0)
    )

    # the model
    model: str = parameter(
        "", "checkpoint folder; empty is the model that comes with the package", fixed=_MODEL
    )
    backend: str = parameter("auto", "what runs the model", choices=("auto", "torch", "onnx"), fixed=_MODEL)
    device: str = parameter(
        "auto", "where it runs: auto, cpu, cuda or cuda:N; auto takes a GPU where there is one", fixed=_MODEL
    )
    dtype: str = parameter(
        "auto",
        "precision of the weights; auto is what suits backend and device",
        choices=("auto", "fp32", "bf16", "fp16", "int8"),
        fixed=_MODEL,
    )

    # how to caption
    style: str = parameter(_DEFAULT.style, "prompt of the checkpoint; default is its first")
    refinements: int = parameter(
        _DEFAULT.refinements,
        "second glances after the first caption; 0 leaves the initial one",
        bounds=(0, 4),
    )
    max_tokens: int = parameter(_DEFAULT.max_tokens, "most new tokens in one caption", bounds=(1, 512))
    beams: int = parameter(_DEFAULT.beams, "beam width; 1 is greedy", bounds=(1, 8))

    # when to caption
    max_rate_hz: float = parameter(
        2.0,
        "most images of each camera that are looked at in a second; 0 is no limit",
        unit="Hz",
        bounds=(0.0, 1000.0),
    )
    keyframe_threshold: float = parameter(
        0.05,
        "smallest change since the last caption that is worth a new one; 0 captions every image",
        bounds=(0.0, 1.0),
    )
    keyframe_max_interval: float = parameter(
        10.0, "caption an unchanged picture again after so long; 0 is never", unit="s", bounds=(0.0, 3600.0)
    )
    deadline: float = parameter(
        0.0,
        "leave out a second glance that would end later than so long after the image's stamp; 0 is none",
        unit="s",
        bounds=(0.0, 60.0),
    )
    max_batch: int = parameter(
        0,
        "most cameras that are captioned in one go; 0 is one on a CPU and all on a GPU",
        bounds=(0, 16),
    )

    # what to publish
    publish_initial: bool = parameter(
        False, "publish the initial caption at once (flag INITIAL_ONLY), the refined one follows"
    )
    publish_text: bool = parameter(False, "publish the refined caption on ~/text as well (std_msgs/String)")
    publish_annotated: bool = parameter(
        True, "publish the image with its caption on ~/annotated while somebody subscribes"
    )

    def options(self) -> CaptionOptions:
        """The part that goes to the captioner."""
        return CaptionOptions(self.style, self.refinements, self.max_tokens, self.beams)
