#!/usr/bin/env python3
"""Verifies an audit log as docs/spec/audit-log.md describes it. Standard library only.

Written from that text, to be a second opinion beside `sallyport audit verify`.
Usage: verify_log.py FOLDER [VKEY]     exit status 0: the log holds, 1: it does not, 2: wrong usage.
Prints one JSON object: ok, origin, size, root, checkpoints, unsigned, problems, notices.
"""

import base64, hashlib, json, os, re, sys, zlib

MARK, MOST_RECORD, WIDTH = b"sallyport-log-1\n", 32 * 1024, 256
NAMES = set("action decision details kind masking principal result seq session source target ts".split())

# --- Ed25519, verification only (RFC 8032 section 5.1) ------------------------------------------

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)

def add(a, b):
    """Adds two points in extended coordinates."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    i, j, k, m = f - e, h - g, h + g, f + e
    return (i * j % P, k * m % P, j * k % P, i * m % P)

def multiply(scalar, point):
    total = (0, 1, 1, 0)
    while scalar > 0:
        total = add(total, point) if scalar & 1 else total
        point, scalar = add(point, point), scalar >> 1
    return total

def decompress(encoded):
    """The point, or None when the bytes are none."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if len(encoded) != 32 or y >= P:
        return None
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    x = x if (x * x - xx) % P == 0 else x * ROOT % P
    if (x * x - xx) % P != 0 or (x == 0 and sign == 1):
        return None
    x = x if x & 1 == sign else P - x
    return (x, y, 1, x * y % P)

BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))

def is_signed(public, message, signature):
    point, r = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if point is None or r is None or len(signature) != 64 or s >= L:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    left = multiply(s, BASE)
    right = add(r, multiply(int.from_bytes(digest, "little") % L, point))
    return ((left[0] * right[2] - right[0] * left[2]) % P == 0
            and (left[1] * right[2] - right[1] * left[2]) % P == 0)

# --- The tree (RFC 6962 section 2.1) and its tiles (C2SP tlog-tiles) ------------------------------

def sha(data):
    return hashlib.sha256(data).digest()

def node(left, right):
    return sha(b"\x01" + left + right)

def fold(hashes):
    while len(hashes) > 1:
        hashes = [node(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]

class Tree:
    """Perfect subtrees from left to right, and for each tile level the hashes of its open tile."""

    def __init__(self, on_tile):
        self.size, self.edge, self.levels, self.on_tile = 0, [], [], on_tile

    def append(self, record):
        leaf = sha(b"\x00" + record)
        self.size += 1
        root, count = leaf, self.size
        while count % 2 == 0:
            root, count = node(self.edge.pop(), root), count // 2
        self.edge.append(root)
        self.push(0, leaf)

    def push(self, level, item):
        if level == len(self.levels):
            self.levels.append([0, []])
        entry = self.levels[level]
        entry[1].append(item)
        if len(entry[1]) == WIDTH:
            self.on_tile(level, entry[0], b"".join(entry[1]))
            whole, entry[0], entry[1] = entry[1], entry[0] + 1, []
            self.push(level + 1, fold(whole))

    def root(self):
        root = self.edge[-1] if self.edge else sha(b"")
        for left in reversed(self.edge[:-1]):
            root = node(left, root)
        return root

def tile_path(level, index):
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03d}")
    return f"tile/{level}/" + "/".join(groups)

# --- Notes and checkpoints (C2SP signed-note, tlog-checkpoint) ------------------------------------

def strict_base64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return data if base64.b64encode(data).decode() == text else None

def parse_vkey(vkey):
    match = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+(\S+)", vkey)
    key = strict_base64(match[3]) if match else None
    if key is None or len(key) != 33 or key[0] != 1:
        return None
    identity = sha(match[1].encode() + b"\n" + key)[:4]
    return (match[1], identity, key[1:]) if identity.hex() == match[2] else None

def open_checkpoint(note, key):
    """(size, root) of a head that the key signed, else None."""
    end = note.rfind("\n\n")
    if end < 0 or not note.endswith("\n"):
        return None
    text, found = note[:end + 1], 0
    for line in note[end + 2:-1].split("\n"):
        match = re.fullmatch(r"\u2014 ([^+\s]+) ([A-Za-z0-9+/=]+)", line)
        data = strict_base64(match[2]) if match else None
        if data is None or len(data) <= 4:
            return None
        if match[1] == key[0] and data[:4] == key[1]:
            if not is_signed(key[2], text.encode(), data[4:]):
                return None
            found += 1
    lines = text.split("\n")
    if found != 1 or len(lines) != 4 or lines[0] != key[0]:
        return None
    root = strict_base64(lines[2])
    if not re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[1]) or root is None or len(root) != 32:
        return None
    return int(lines[1]), root

# --- The log ----------------------------------------------------------------------------------------

class Log:
    def __init__(self, folder, vkey=None):
        self.folder, self.problems, self.notices = folder, [], []
        self.heads, self.verified, self.tiles = {}, 0, {}
        own = self.text("audit.vkey")
        if own is None or not own.endswith("\n"):
            self.problems.append("audit.vkey: missing or cut")
        elif vkey is not None and own != vkey + "\n":
            self.problems.append("audit.vkey: another key than the one that was given")
        self.key = parse_vkey(vkey or (own or "")[:-1])
        if self.key is None:
            self.problems.append("audit.vkey: not the vkey of an Ed25519 key")
        self.tree = Tree(lambda level, index, data: self.tiles.__setitem__(tile_path(level, index), data))

    def content(self, *parts):
        path = os.path.join(self.folder, *parts)
        if not os.path.exists(path):
            return None
        with open(path, "rb") as file:
            return file.read()

    def text(self, name):
        data = self.content(name)
        return None if data is None else data.decode("utf-8", "replace")

    def add_head(self, file, note):
        head = open_checkpoint(note, self.key) if note is not None else None
        if head is None:
            self.problems.append(f"{file}: a head is missing or not signed by the key")
        else:
            self.heads.setdefault(head[0], []).append((file, head[1]))
        return head

    def read_heads(self):
        self.add_head("checkpoint", self.text("checkpoint"))
        last = 0
        lines = (self.text("checkpoints.jsonl") or "").split("\n")
        if lines[-1] != "" or lines == [""]:
            self.problems.append("checkpoints.jsonl: missing or cut")
        for line in lines[:-1]:
            try:
                note = json.loads(line)["checkpoint"]
                exact = json.dumps({"checkpoint": note}, ensure_ascii=False, separators=(",", ":"))
            except (ValueError, KeyError, TypeError):
                note = exact = None
            head = self.add_head("checkpoints.jsonl", note if exact == line else None)
            if head is not None:
                if head[0] < last:
                    self.problems.append(f"checkpoints.jsonl: a head over {head[0]} stands behind a larger one")
                last = head[0]

    def check_heads(self):
        for file, root in self.heads.pop(self.tree.size, []):
            if root == self.tree.root():
                self.verified += 1
            else:
                self.problems.append(f"{file}: the records are not those of the head over {self.tree.size}")

    def read_record(self, record):
        seq = self.tree.size
        try:
            value = json.loads(record.decode("utf-8"))
            good = (isinstance(value, dict) and type(value["seq"]) is int and value["seq"] == seq
                    and set(value) <= NAMES
                    and re.fullmatch(r"[a-z]+(\.[a-z]+)+", value["kind"])
                    and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", value["ts"]))
        except (ValueError, KeyError, TypeError):
            good = False
        if not good:
            self.problems.append(f"record {seq}: not a record of that number")
        self.tree.append(record)
        self.check_heads()

    def read_segment(self, name, is_last, has_index):
        data = self.content("segments", name)
        if is_last and len(data) < 16 and MARK.startswith(data):
            self.notices.append(f"{name}: an unfinished mark")
            return True
        if data[:16] != MARK:
            self.problems.append(f"{name}: not a segment")
            return False
        at, count, offsets = 16, 0, []
        while at < len(data):
            length = int.from_bytes(data[at:at + 4], "big")
            end = at + 8 + length
            if at + 8 <= len(data) and not 0 < length <= MOST_RECORD:
                break
            if end > len(data) or at + 8 > len(data):
                what = self.notices if is_last else self.problems
                what.append(f"{name}: an unfinished record at byte {at}")
                return is_last
            if zlib.crc32(data[at + 8:end], zlib.crc32(data[at:at + 4])) != int.from_bytes(data[at + 4:at + 8], "big"):
                break
            if count % 256 == 0:
                offsets.append(at)
            self.read_record(data[at + 8:end])
            at, count = end, count + 1
        else:
            expected = b"".join(each.to_bytes(4, "big") for each in offsets)
            if has_index and self.content("segments", name[:-4] + ".index") != expected:
                self.problems.append(f"{name}: the index does not fit")
            return True
        self.problems.append(f"{name}: a frame at byte {at} is damaged")
        return False

    def check_tiles(self, signed, present):
        for path, data in self.tiles.items():
            found = self.content(path)
            level, index = int(path.split("/")[1]), int(re.sub(r"\D", "", path.split("/", 2)[2]))
            if found is None and (index + 1) * WIDTH ** (level + 1) <= signed:
                self.problems.append(f"{path}: missing")
            elif found not in (None, data):
                self.problems.append(f"{path}: does not fit the records")
        for path in present:
            if path not in self.tiles and not path.endswith(".new"):
                self.problems.append(f"{path}: does not belong to this log")

    def verify(self):
        if self.key is not None:
            self.read_heads()
        signed = max(self.heads, default=0)
        self.check_heads()
        present = [os.path.relpath(os.path.join(at, name), self.folder).replace(os.sep, "/")
                   for at, _, files in os.walk(os.path.join(self.folder, "tile")) for name in files]
        folder = os.path.join(self.folder, "segments")
        listed = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        names = [name for name in listed if re.fullmatch(r"[0-9]{16}\.log", name)]
        for name in names:
            if int(name[:16]) != self.tree.size:
                self.problems.append(f"{name}: record {self.tree.size} should come next")
                break
            if not self.read_segment(name, name == names[-1], name[:-4] + ".index" in listed):
                break
        if self.tree.size == 0:
            self.problems.append("segments: there are no records")
        for size in sorted(self.heads):
            self.problems.append(f"{size} records were signed, but only {self.tree.size} are there")
        self.check_tiles(signed, present)
        return {"ok": not self.problems, "origin": self.key[0] if self.key else "", "size": self.tree.size,
                "root": self.tree.root().hex(), "checkpoints": self.verified,
                "unsigned": max(0, self.tree.size - signed), "problems": self.problems, "notices": self.notices}

if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    report = Log(*sys.argv[1:]).verify()
    print(json.dumps(report, ensure_ascii=False))
    sys.exit(0 if report["ok"] else 1)
