"""Names every text of the bash scripts that their PowerShell twins do not say, and every threshold that differs.

Usage texts and what only one shell has to say (curl, jq, option names) are left out.
"""

import pathlib
import re
import sys

folder = pathlib.Path(sys.argv[1])
only_bash = ("--", "%s 缺少", "缺少 %s", "缺少 mail", "HTTP %s%s", "curl", "未知选项", "需要一个值", "参数过多", "必须是", "找不到主机", "连接被拒绝",
             "没有回答", "TLS", "连接中断", "无法写入 %s（可用")


def plain(text):
    return re.sub(r"\{\d\}|%s", "{}", text).replace("%%", "%").replace("\\n", "\n")


wrong = 0
for bash in sorted(folder.glob("*.sh")):
    twin = folder / (bash.stem + ".ps1")
    libraries = [p.read_text(encoding="utf-8-sig") for p in (folder / "lib").glob("*.ps1")]
    said = plain("\n".join([twin.read_text(encoding="utf-8-sig"), *libraries]))
    sources = bash.read_text(encoding="utf-8") + (folder / "lib/health.sh").read_text(encoding="utf-8")
    for pair in re.findall(r"'((?:[^'\n])*[\u4e00-\u9fff][^'\n]*)'\s+\\?\n?\s*'([^'\n]+)'", sources):
        if any(mark in pair[0] for mark in only_bash):
            continue
        for text in pair:
            for line in plain(text).split("\n"):
                if line.replace(".sh", ".ps1") not in said:
                    wrong += 1
                    print(f"{twin.name} does not say: {line}")
    for one, other in ((bash, twin), (folder / "lib/health.sh", folder / "lib/health.ps1")):
        ours, theirs = (sorted(set(re.findall(r"(?:-gt|-le|-lt) (\d{4,5})\b", p.read_text(encoding="utf-8-sig")))) for p in (one, other))
        if ours != theirs:
            wrong += 1
            print(f"{other.name} has the thresholds {theirs}, and {one.name} {ours}")
sys.exit(1 if wrong else 0)
