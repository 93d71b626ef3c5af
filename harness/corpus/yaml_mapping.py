"""The bytes of an untrusted YAML file in, a mapping of plain data out, or an error that names the line."""

from collections import Counter
from collections.abc import Hashable, Mapping

import yaml

from harness.corpus.cells import shown
from harness.errors import ManifestError

MERGE_TAG = "tag:yaml.org,2002:merge"  # a few nested merges expand to more entries than fit in memory


class _UniqueKeyLoader(yaml.SafeLoader):
    """Loads plain data only, and refuses a key written twice, where YAML would let the last one win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        for key, n_times in Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)).items():
            if n_times > 1:
                raise _refusal(f"the key {shown(key)} stands twice in one mapping", node)
        if any(key.tag == MERGE_TAG for key, _ in node.value):
            raise _refusal("merging mappings (<<) is not supported", node)
        return super().construct_mapping(node, deep)


def _refusal(reason: str, node: yaml.MappingNode) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, reason, node.start_mark)


def yaml_mapping(data: bytes, file: str) -> Mapping[object, object]:
    """Reads a mapping of plain data.

    Raises:
        ManifestError: The bytes are not YAML, hold tags that would make objects, or are no mapping.
    """
    try:
        content: object = yaml.load(data, _UniqueKeyLoader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ManifestError([f"{file}{line}: is not valid YAML: {error.problem}. Correct it."]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ManifestError([f"{file}: is not valid YAML in UTF-8: {reason}. Correct it."]) from error
    if not isinstance(content, dict):
        found = "nothing" if content is None else shown(content)
        raise ManifestError([f"{file}: holds {found}; expected a mapping of keys to values."])
    return content
