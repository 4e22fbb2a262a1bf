"""Plays a person at a terminal: runs a program in a pseudo-terminal and follows a script of steps.

    terminal.py STEPS PROGRAM [ARGUMENT ...]

STEPS is JSON: a list of {"send": text} (a "^C" is the key), {"expect": regular expression}, {"wait": seconds},
{"file": path}: wait until it is there.
Prints all that the terminal showed. Exit status 0 when every expectation was met, 3 when one was not.
"""
import json, os, pty, re, select, signal, sys, time

steps, program = json.loads(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.environ.update(TERM="dumb", PAGER="cat", COLUMNS="200", LINES="50")
    os.execvp(program[0], program)

shown, seen = b"", 0


def listen(seconds):
    global shown
    ready, _, _ = select.select([terminal], [], [], seconds)
    if not ready:
        return True
    try:
        data = os.read(terminal, 65536)
    except OSError:
        return False
    shown += data
    return bool(data)


def expect(pattern, seconds):
    global seen
    end = time.time() + seconds
    while True:
        found = re.search(pattern.encode(), shown[seen:])
        if found:
            seen += found.end()
            return True
        if time.time() > end or not listen(0.05):
            if re.search(pattern.encode(), shown[seen:]):
                continue
            return False


status = 0
for step in steps:
    if "send" in step:
        os.write(terminal, step["send"].replace("^C", "\x03").encode())
    elif "file" in step:
        while not os.path.exists(step["file"]) and listen(0.05):
            pass
    elif "wait" in step:
        end = time.time() + step["wait"]
        while time.time() < end and listen(0.05):
            pass
    elif not expect(step["expect"], step.get("within", 60)):
        sys.stderr.write("never seen: %s\n" % step["expect"])
        status = 3
        break
try:
    os.kill(child, signal.SIGTERM)
except ProcessLookupError:
    pass
sys.stdout.write(shown.decode("utf-8", "replace"))
sys.exit(status)
