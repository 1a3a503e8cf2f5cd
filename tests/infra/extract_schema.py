"""Write down what the google provider of Terraform accepts, for the resources that `infra/` uses.

    python tests/infra/extract_schema.py WHEEL

WHEEL is `cdktf-cdktf-provider-google` as pip downloads it: bindings generated from the provider's own schema.
The result, `google.json`, holds names and types only. A block is `{"attributes": {name: [type, required]},
"computed": {name: type}, "blocks": {name: [nesting, least, most, block]}}`, types in Terraform's own JSON.
"""

import io
import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
USED = re.compile(r'^\s*(?:resource|data) "(google_\w+)"', re.MULTILINE)
NAMED = re.compile(r"\b(google_[a-z0-9_]+)\}")
PRIMITIVES = {"string": "string", "number": "number", "boolean": "bool"}
SINGLE, LIST = 1, 2

Json = dict[str, Any]


class Bindings:
    """The types of the generated bindings, turned back into blocks."""

    def __init__(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as outer:
            packed = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
            with tarfile.open(fileobj=io.BytesIO(outer.read(packed))) as inner:
                manifest = inner.extractfile("package/.jsii")
                assert manifest is not None
                self.types: dict[str, Json] = json.load(manifest)["types"]

    def resources(self) -> dict[str, tuple[str, str]]:
        """{("resource" or "data") + name: class}, as Terraform names them."""
        found = {}
        for fqn, type in self.types.items():
            named = NAMED.search(type.get("docs", {}).get("summary", ""))
            if named and f"{fqn}Config" in self.types:
                kind = "data" if "DataSource" in type.get("base", "") else "resource"
                found[f"{kind} {named[1]}"] = (fqn, kind)
        return found

    def block(self, fqn: str) -> Json:
        attributes: Json = {}
        blocks: Json = {}
        for part in self.types[fqn].get("properties", []):
            name, type, required = snake(part["name"]), concrete(part["type"]), not part.get("optional")
            told = terraform_type(type)
            inner = concrete(type["collection"]["elementtype"]) if "collection" in type else type
            if told is not None:
                attributes[name] = [told, required]
            elif inner["fqn"].startswith("cdktf."):
                attributes[name] = ["dynamic", False]
            elif name == "timeouts":
                blocks[name] = [SINGLE, 0, 0, self.block(inner["fqn"])]
            else:
                most = 0 if "collection" in type else 1
                blocks[name] = [LIST, int(required), most, self.block(inner["fqn"])]
        return {"attributes": attributes, "blocks": blocks}

    def resource(self, fqn: str) -> Json:
        """A block with what the provider computes."""
        block = self.block(f"{fqn}Config")
        known = set(block["attributes"]) | set(block["blocks"])
        block["computed"] = {
            name: terraform_type(part["type"]) or "dynamic"
            for part in self.types[fqn].get("properties", [])
            if not part.get("static") and part.get("immutable")
            for name in [snake(part["name"])]
            if name not in known and not name.endswith("_input")
        }
        return block


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def concrete(type: Json) -> Json:
    """A type without the alternative of a value that is known only later."""
    if "union" not in type:
        return type
    return concrete(next(t for t in type["union"]["types"] if t.get("fqn") != "cdktf.IResolvable"))


def terraform_type(type: Json) -> Any:
    """The type of an attribute in Terraform's JSON; None for a block."""
    type = concrete(type)
    if "primitive" in type:
        return PRIMITIVES.get(type["primitive"], "dynamic")
    if "collection" in type:
        element = terraform_type(type["collection"]["elementtype"])
        kind = "map" if type["collection"]["kind"] == "map" else "list"
        return None if element is None else [kind, element]
    return None


def main(wheel: Path) -> None:
    infra = HERE.parents[1] / "infra"
    used = {name for file in infra.rglob("*.tf") for name in USED.findall(file.read_text())}
    # Never used, and known only so that a test can plant one.
    used.add("google_service_account_key")
    bindings = Bindings(wheel)
    told: Json = {"resource": {}, "data": {}}
    for named, (fqn, kind) in sorted(bindings.resources().items()):
        if named.split()[1] in used:
            told[kind][named.split()[1]] = bindings.resource(fqn)
    provider = next(f for f in bindings.types if f.endswith(".GoogleProviderConfig"))
    told["provider"] = bindings.block(provider)
    missing = used - set(told["resource"]) - set(told["data"])
    assert not missing, f"the provider has no {missing}"
    (HERE / "google.json").write_text(json.dumps(told, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
