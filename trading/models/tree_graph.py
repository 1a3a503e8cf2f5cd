"""Trees of any library as one ONNX graph, exact for float32 features.

LightGBM and scikit-learn ask x <= t with a double t, XGBoost asks x < t with a float32 t. For float32 x both
are x <= t' with t' the largest float32 that passes, so that one comparison serves all and the runtime takes
its fast path. Leaf values are rounded to float32 and summed by the runtime in the order of the trees.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.market import Floats

if TYPE_CHECKING:
    import onnx

IR_VERSION = 10
OPSETS = {"": 18, "ai.onnx.ml": 3}
FEATURES = "features"
SCORED = "scored"
"""Features as trees read them, where they are not read as they come."""
SCORES = "scores"
LEAF = -1
Ints = NDArray[np.int64]


class Tree(NamedTuple):
    """One tree; node 0 is the root, arrays are (nodes,)."""

    feature: Ints
    """Column asked about, `LEAF` at a leaf."""
    threshold: NDArray[np.float32]
    """x <= threshold goes to `yes`."""
    yes: Ints
    no: Ints
    missing_yes: NDArray[np.bool_]
    """Where NaN goes to `yes`."""
    values: Floats
    """(nodes, targets), read at leaves."""
    first_target: int
    """Output that the first column of `values` adds to."""


def from_lightgbm(text: str, first_target: int, classes: int = 1) -> list[Tree]:
    """The trees of a LightGBM model text; trees of a multiclass model take turns over its classes."""
    import lightgbm

    info = lightgbm.Booster(model_str=text).dump_model()["tree_info"]
    return [_lightgbm_tree(tree["tree_structure"], first_target + i % classes) for i, tree in enumerate(info)]


def _lightgbm_tree(root: dict[str, Any], target: int) -> Tree:
    nodes: list[dict[str, Any]] = [root]
    children: list[tuple[int, int]] = []
    for node in nodes:
        if "split_feature" in node:
            children.append((len(nodes), len(nodes) + 1))
            nodes += [node["left_child"], node["right_child"]]
        else:
            children.append((0, 0))
    inner = np.array(["split_feature" in node for node in nodes])
    thresholds = [float(node.get("threshold", 0.0)) for node in nodes]
    # Without NaN in training LightGBM reads a NaN as zero.
    missing = [
        bool(node["default_left"]) if node["missing_type"] == "NaN" else t >= 0.0
        for node, t in zip(nodes, thresholds, strict=True)
        if "split_feature" in node
    ]
    goes_yes = np.zeros(len(nodes), dtype=bool)
    goes_yes[inner] = missing
    yes, no = np.array(children, dtype=np.int64).T
    return Tree(
        feature=np.array([node.get("split_feature", LEAF) for node in nodes], dtype=np.int64),
        threshold=largest_float32(np.array(thresholds)),
        yes=yes,
        no=no,
        missing_yes=goes_yes,
        values=np.array([[float(node.get("leaf_value", 0.0))] for node in nodes]),
        first_target=target,
    )


def from_xgboost(model: bytes, target: int) -> list[Tree]:
    """The trees of an XGBoost model saved as JSON, whose base score must be without effect."""
    trees = []
    for tree in json.loads(model)["learner"]["gradient_booster"]["model"]["trees"]:
        yes, no = (np.array(tree[side], dtype=np.int64) for side in ("left_children", "right_children"))
        leaf = yes == LEAF
        conditions = np.array(tree["split_conditions"], dtype=np.float32)
        trees.append(
            Tree(
                feature=np.where(leaf, LEAF, np.array(tree["split_indices"], dtype=np.int64)),
                threshold=np.nextafter(conditions, np.float32(-np.inf)),
                yes=np.where(leaf, 0, yes),
                no=np.where(leaf, 0, no),
                missing_yes=np.array(tree["default_left"], dtype=bool) & ~leaf,
                values=np.where(leaf, conditions, 0.0).astype(np.float64)[:, None],
                first_target=target,
            )
        )
    return trees


def from_sklearn(tree: Any, first_target: int, scale: Floats) -> Tree:
    """A fitted `sklearn.tree` tree; its outputs times `scale` (outputs,) are the values."""
    leaf = tree.children_left == LEAF
    return Tree(
        feature=np.where(leaf, LEAF, tree.feature).astype(np.int64),
        threshold=largest_float32(np.asarray(tree.threshold)),
        yes=np.where(leaf, 0, tree.children_left).astype(np.int64),
        no=np.where(leaf, 0, tree.children_right).astype(np.int64),
        missing_yes=np.asarray(tree.missing_go_to_left, dtype=bool) & ~leaf,
        values=np.where(leaf[:, None], tree.value[:, :, 0] * scale, 0.0),
        first_target=first_target,
    )


def largest_float32(thresholds: Floats) -> NDArray[np.float32]:
    """The largest float32 that is not above each threshold."""
    # Libraries split unknown from known at 1.8e308: too large for float32, it becomes infinity and is stepped
    # down to the largest number, which every known value passes.
    with np.errstate(over="ignore"):
        nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def scores_node(trees: Sequence[Tree], targets: int, scored: str) -> "onnx.NodeProto":
    """The node that turns columns (rows, F) into `scores` (rows, targets), the sums of the leaves."""
    from onnx import helper

    ids = [np.arange(len(tree.feature)) for tree in trees]
    leaves = [np.flatnonzero(tree.feature == LEAF) for tree in trees]
    widths = [tree.values.shape[1] for tree in trees]
    feature = np.concatenate([tree.feature for tree in trees])
    return helper.make_node(
        "TreeEnsembleRegressor",
        [scored],
        [SCORES],
        domain="ai.onnx.ml",
        n_targets=targets,
        aggregate_function="SUM",
        nodes_treeids=np.concatenate([np.full(len(i), n) for n, i in enumerate(ids)]).tolist(),
        nodes_nodeids=np.concatenate(ids).tolist(),
        nodes_featureids=np.maximum(feature, 0).tolist(),
        nodes_modes=["LEAF" if column == LEAF else "BRANCH_LEQ" for column in feature.tolist()],
        nodes_values=_joined([np.where(t.feature == LEAF, np.float32(0), t.threshold) for t in trees]),
        nodes_truenodeids=_joined([tree.yes for tree in trees]),
        nodes_falsenodeids=_joined([tree.no for tree in trees]),
        nodes_missing_value_tracks_true=np.concatenate([t.missing_yes for t in trees]).astype(int).tolist(),
        target_treeids=_joined(
            [np.full(len(at) * w, n) for n, (at, w) in enumerate(zip(leaves, widths, strict=True))]
        ),
        target_nodeids=_joined([np.repeat(at, w) for at, w in zip(leaves, widths, strict=True)]),
        target_ids=_joined(
            [
                np.tile(np.arange(w) + t.first_target, len(at))
                for at, w, t in zip(leaves, widths, trees, strict=True)
            ]
        ),
        target_weights=_joined([t.values[at].ravel() for at, t in zip(leaves, trees, strict=True)]),
    )


def _joined(parts: list[Any]) -> list[Any]:
    joined: list[Any] = np.concatenate(parts).tolist()
    return joined


class Filling(NamedTuple):
    """How unknown features become numbers: medians (columns,), and the columns that get a flag."""

    medians: NDArray[np.float32]
    flagged: Ints


def learner_graph(
    trees: Sequence[Tree], columns: int, filling: Filling | None = None, *, probabilities: bool = False
) -> bytes:
    """A learner's whole inference; targets 0..2 are log odds (or probabilities), 3..5 are z."""
    from onnx import helper

    constants: dict[str, NDArray[Any]] = {}
    nodes: list[onnx.NodeProto] = []
    if filling is not None:
        nodes += filling_nodes(filling, constants)
    scored = SCORED if filling is not None else FEATURES
    chance = "chance" if probabilities else "logits"
    nodes += [
        scores_node(trees, 6, scored),
        helper.make_node("Split", [SCORES], [chance, "z"], axis=1, num_outputs=2),
    ]
    if probabilities:
        bounds = {"low": 0.01, "high": 0.99, "one": 1.0}
        constants |= {name: np.array(value, np.float32) for name, value in bounds.items()}
        nodes += [
            helper.make_node("Clip", [chance, "low", "high"], ["p"]),
            helper.make_node("Sub", ["one", "p"], ["q"]),
            helper.make_node("Div", ["p", "q"], ["odds"]),
            helper.make_node("Log", ["odds"], ["logits"]),
        ]
    return model_of(nodes, columns, {"logits": 3, "z": 3}, constants)


def filling_nodes(filling: Filling, constants: dict[str, NDArray[Any]]) -> "list[onnx.NodeProto]":
    """Nodes from `features` to `scored`; adds what they need to the constants."""
    from onnx import TensorProto, helper

    constants["medians"], constants["flagged"] = filling.medians, filling.flagged
    return [
        helper.make_node("IsNaN", [FEATURES], ["unknown"]),
        helper.make_node("Where", ["unknown", "medians", FEATURES], ["filled"]),
        helper.make_node("Cast", ["unknown"], ["flags"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["flags", "flagged"], ["shown"], axis=1),
        helper.make_node("Concat", ["filled", "shown"], [SCORED], axis=1),
    ]


def model_of(
    nodes: "Sequence[onnx.NodeProto]",
    columns: int,
    outputs: dict[str, int],
    constants: dict[str, NDArray[Any]],
) -> bytes:
    """A graph from `features` (rows, columns) to named (rows, width) outputs, as bytes."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def described(name: str, width: int) -> "onnx.ValueInfoProto":
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width])

    graph = helper.make_graph(
        nodes,
        "ballast",
        [described(FEATURES, columns)],
        [described(name, width) for name, width in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="ballast")
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
