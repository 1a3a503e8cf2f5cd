"""A walk as content: what a workflow carries is its name."""

import json
from pathlib import Path

from adapters.pieces import dump_walk
from adapters.training import Walk

WALK = Walk(Path("history"), Path("log"), Path("folds"), "smoke", "0" * 64)


def test_the_same_walk_is_the_same_content_and_says_where_its_files_lie() -> None:
    content = dump_walk(WALK, ("forest",), 10, 20)
    assert content == dump_walk(WALK, ("forest",), 10, 20)
    told = json.loads(content)
    assert told["walk"] == {name: str(value) for name, value in WALK._asdict().items()}
    assert (told["families"], told["first"], told["last"]) == (["forest"], 10, 20)


def test_another_span_is_another_walk() -> None:
    assert dump_walk(WALK, ("forest",), 10, 20) != dump_walk(WALK, ("forest",), 10, 21)
