"""Check that the built documentation needs no network: python .ci/check_site.py SITE."""

import re
import sys
from pathlib import Path

LOADED = re.compile(r"<(?:script|img|iframe|source)[^>]*\ssrc=[\"']?([^\"' >]+)|<link([^>]+)>")

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
