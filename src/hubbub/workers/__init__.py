"""Several processes behind one port (``--workers N``): a parent that starts, watches and replaces them.

    parent       the port, and how this program is started again
    supervisor   starts, back-off, signals, the rolling restart
    worker       one child, as the parent sees it
    child        the other side: a server on the parent's listener
    place        how a child knows that it is one
    channel      what the two say to each other
    merging      the metrics of all as one page

The parent opens the port, hands it to every child, and serves nothing itself. So the port outlives each of them: who
connects while one is killed or replaced waits in the kernel's one queue, and the next free worker takes it in.
"""
