"""Draws HOTA against time per frame from what `bench_tracker` returned; needs matplotlib (`make peers`).

python -m processors.track.plot RESULT.json docs/tracking.png
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

Scores = Mapping[str, Mapping[str, float]]


def draw(weighted: Scores, path: Path) -> None:
    """Write the picture of all trackers in `weighted` (see `bench_tracker`) to `path`."""
    import matplotlib as mpl  # type: ignore[import-not-found,unused-ignore]  # only in the peers' environment

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # type: ignore[import-not-found,unused-ignore]  # as above

    figure, axes = plt.subplots(figsize=(7, 4.2), dpi=130)
    for name, scores in weighted.items():
        ours = name.startswith("ours")
        label = {"ours": "Sightline", "ours+app": "Sightline with looks"}.get(name, name)
        axes.scatter(scores["us"], scores["HOTA"], s=70, color="#c2410c" if ours else "#475569")
        axes.annotate(label, (scores["us"], scores["HOTA"]), xytext=(7, 5), textcoords="offset points")
    axes.set_xscale("log")
    axes.set_xticks([50, 100, 200, 500, 1000, 2000], ["50", "100", "200", "500", "1000", "2000"])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("microseconds per frame (log)")
    axes.set_ylabel("HOTA, %")
    axes.margins(x=0.3, y=0.12)
    axes.grid(visible=True, which="both", alpha=0.25)
    axes.set_title("Same detections for all", fontsize=10)
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text())["weighted"], Path(sys.argv[2]))
