"""Check that the built documentation needs no network and lacks nothing public: python .ci/check_site.py SITE."""

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

LOADED = re.compile(r"<(?:script|img|iframe|source)[^>]*\ssrc=[\"']?([^\"' >]+)|<link([^>]+)>")
PUBLIC = ("autograd", "nn", "nn.closed_form", "nn.data", "viz", "viz.plots")


def public() -> Iterator[str]:
    """Return every public name, and every public method and property, as an anchor of the reference ends."""
    for module in map(importlib.import_module, PUBLIC):
        for name in module.__all__:
            thing = getattr(module, name)
            if not inspect.ismodule(thing):
                yield f".{name}"
            for member, of in vars(thing).items() if inspect.isclass(thing) else ():
                if not member.startswith("_") and (isinstance(of, (property, classmethod)) or inspect.isfunction(of)):
                    yield f".{name}.{member}"


site = Path(sys.argv[1])
pages = sorted(page for page in site.rglob("*.html") if page.name != "404.html")  # whose links begin at the root
if not (site / "index.html").is_file() or len(pages) < 15:
    sys.exit(f"{site} holds {len(pages)} pages and is not the documentation")
for page in pages:
    for source, link in LOADED.findall(page.read_text(encoding="utf-8")):
        if link and "canonical" not in link:
            source = re.search(r"href=[\"']?([^\"' >]+)", link)[1]
        if source.startswith(("http:", "https:", "//")):
            sys.exit(f"{page} loads {source} from the network")
        local = (page.parent / source.split("?")[0].split("#")[0]).resolve()
        if source and not source.startswith("data:") and not local.exists():
            sys.exit(f"{page} loads {source}, which is not there")

reference = "".join(page.read_text(encoding="utf-8") for page in (site / "reference").rglob("*.html"))
anchors = re.findall(r'id="?([\w.]+)', reference)
missing = [name for name in public() if not any(anchor.endswith(name) for anchor in anchors)]
if missing:
    sys.exit(f"the reference lacks {', '.join(missing)}")
