# Runs a command at a terminal of its own: what it reads and prints passes through 0 and 1; a line "COLUMNS ROWS" on 3 is
# the terminal's new size.
import fcntl, os, pty, select, struct, sys, termios

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
sources = [0, 3, terminal]
sizes = b""
while True:
    ready, _, _ = select.select(sources, [], [])
    if 3 in ready:
        piece = os.read(3, 4096)
        if not piece:
            sources.remove(3)
        sizes += piece
        *lines, sizes = sizes.split(b"\n")
        for line in lines:
            columns, rows = (int(part) for part in line.split())
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    if 0 in ready:
        piece = os.read(0, 65536)
        if piece:
            os.write(terminal, piece)
        else:
            sources.remove(0)
    if terminal in ready:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        os.write(1, piece)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 255)
