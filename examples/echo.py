"""Node's first example in Python: an echo server and a client, each line beside its JavaScript.

    python3 examples/echo.py

What differs: the port is 0 (an unused one) so that the example can run anywhere, and the server is closed at the end.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat as net                                     # noqa: E402    const net = require('node:net');


def on_connection(c):                                       # const server = net.createServer((c) => {
    print("server: client connected")                       # console.log('client connected');
    c.on("end", on_end)                                     # c.on('end', () => {
    c.write("hello\r\n")                                    # c.write('hello\r\n');
    c.pipe(c)                                               # c.pipe(c);


def on_end():                                               # c.on('end', () => {
    print("server: client disconnected")                    # console.log('client disconnected');


server = net.create_server(on_connection)                   # });


@server.on("error")                                         # server.on('error', (err) => {
def on_error(err):
    raise err                                               # throw err;


server.listen(0, "127.0.0.1",                               # server.listen(8124, () => {
              lambda: print("server: bound"))               # console.log('server bound');


def on_connect():                                           # const client = net.createConnection({ port }, () => {
    print("client: connected to server")                    # console.log('connected to server!');
    client.write("world!\r\n")                              # client.write('world!\r\n');


client = net.create_connection(server.address().port, "127.0.0.1", on_connect)
received = []


@client.on("data")                                          # client.on('data', (data) => {
def on_data(data):
    received.append(data)
    print("client: received", data)                         # console.log(data.toString());
    if b"world!\r\n" in b"".join(received):                 # (a chunk may hold both lines, or half a one)
        client.end()                                        # client.end();


@client.on("end")                                           # client.on('end', () => {
def on_client_end():
    print("client: disconnected from server")               # console.log('disconnected from server');
    server.close()


server.on("close", lambda: print("server: closed"))         # server.on('close', () => console.log('closed'));
# Here the main thread ends. As in Node, the process lives while a server listens or a socket is open.
