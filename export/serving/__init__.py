"""The server behind `python -m export serve`, from the outside in.

supervisor   binds the port, forks the workers, replaces those that die
worker       an event loop: its start, its signals, its end
server       the connections of a worker;  connection: one of them, HTTP;  exchange: a request and its answer
app          from a request to its handler, by the table in `routes`
predict      POST /predict:  options (query), forms (bodies), images (files to pixels)
oip          /v2, the Open Inference Protocol
batching     what is ready is classified together
models       opened, checked, found by name and version, replaced
board        what the workers count, in shared memory;  metrics: that for Prometheus
openapi, docs, page   what the server says of itself
"""
