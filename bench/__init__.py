"""How fast, how small, how calm: measured beside a bare C loop and beside other servers, in one run on one machine.

python -m bench            every scenario, a table at the end, and the report
python -m bench frames     some of them

scenarios/   one file a row of the table: what is done, and which figures come of it
peers/       the C floor, Nchan, and a Starlette + sse-starlette server as most people would write it
load/        the load: C, so that it is never the limit (it prints its own share of a core)
targets      servers under load: starting Hubbub and the others alike
service      Hubbub in parts: Redis, API processes, gateways, nginx
programs     compiling and driving the load
measure      CPU seconds, memory and open files of a process
report       the page with its plots; `summary`: the same as Markdown; `table`: on the terminal
"""
