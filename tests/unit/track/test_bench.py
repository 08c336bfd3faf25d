"""The comparison's output is read right, and what is missing is said."""

from pathlib import Path

import pytest

from processors.track.bench import bench_tracker, fastest, from_cases, parse
from sightline.errors import SightlineError

PRINTED = """\
MOT17-02        SORT           HOTA=33.5 MOTA=44.0 IDF1=45.2 IDSW=173.0 us=600.0
MOT17-02        ours           HOTA=76.2 MOTA=-90.1 IDF1=88.3 IDSW=24.0 us=200.0
--- weighted by ground-truth boxes
SORT           HOTA=47.8 MOTA=58.6 IDF1=62.2 IDSW=181.2 us=800.0
ours           HOTA=83.0 MOTA=94.3 IDF1=93.5 IDSW=14.9 us=200.0
"""


def test_the_printed_numbers_are_read() -> None:
    result = fastest([parse(PRINTED)])
    assert result["sequences"]["MOT17-02"]["ours"]["MOTA"] == -90.1
    assert result["weighted"]["SORT"] == {
        "HOTA": 47.8,
        "MOTA": 58.6,
        "IDF1": 62.2,
        "IDSW": 181.2,
        "us": 800.0,
    }
    assert result["speed"] == 4.0


def test_without_peers_there_is_no_speed() -> None:
    alone = "\n".join(line for line in PRINTED.splitlines() if "SORT" not in line)
    assert "speed" not in fastest([parse(alone)])


def test_of_several_runs_the_least_times_count() -> None:
    slow = parse(PRINTED.replace("us=200.0", "us=300.0").replace("us=800.0", "us=700.0"))
    result = fastest([parse(PRINTED), slow])
    assert result["weighted"]["SORT"]["us"] == 700
    assert result["sequences"]["MOT17-02"]["ours"]["us"] == 200
    assert result["speed"] == 3.5
    assert result["runs"] == 2


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match=r"data folder .* does not exist"):
        bench_tracker(tmp_path / "nothing", peers=True)
    data = tmp_path / "data" / "mot"
    data.mkdir(parents=True)
    with pytest.raises(SightlineError, match=r"comparison script .* does not exist"):
        bench_tracker(data, peers=True)
    script = tmp_path / "measure" / "mot_peers.py"
    script.parent.mkdir()
    script.touch()
    with pytest.raises(SightlineError, match="make peers"):
        bench_tracker(data, peers=True, root=tmp_path)


def test_real_detections_are_averaged_by_boxes_in_a_group_and_evenly_over_groups() -> None:
    def case(group: str, seq: str, boxes: int, hota: float) -> dict[str, object]:
        scores = {"HOTA": hota, "MOTA": 1.0, "IDF1": 2.0, "us": 100.0, "IDSW": 3, "wrong": 1, "true": 4}
        return {"group": group, "seq": seq, "det": "D", "who": "ours", "boxes": boxes, **scores}

    result = from_cases([case("A", "1", 300, 40.0), case("A", "2", 100, 80.0), case("B", "3", 1, 10.0)])
    assert result["sequences"]["1/D"]["ours"]["HOTA"] == 40.0
    assert result["groups"]["A"]["ours"]["HOTA"] == 50.0
    assert result["groups"]["A"]["ours"]["IDSW"] == 6
    assert result["weighted"]["ours"]["HOTA"] == 30.0
    assert result["weighted"]["ours"]["counts_wrong_percent"] == 25.0
