//! Python's `websockets`, which is an implementation of its own: what it sends is understood, what it receives it accepts.

use graceful_tests::{PATIENCE, Running, Service, Signal};

use crate::websocket::{expect_counts, websocket};

/// Debian's, which knows `python3-websockets`.
const PYTHON: &str = "/usr/bin/python3";

/// Runs the body of an asynchronous function, in which `base` is the service's address.
fn python(service: &Running, script: &str) -> Service {
    let body = script.trim_matches('\n').replace('\n', "\n    ");
    let script = format!(
        "import asyncio, sys, websockets\nfrom websockets.exceptions import ConnectionClosed\n\
         base = 'ws://' + sys.argv[1]\nasync def main():\n    {body}\nasyncio.run(main())\n"
    );
    Service::program("python", PYTHON).args(["-c", &script, &service.address().to_string()]).env("no_proxy", "*")
}

#[test]
fn messages_pings_and_good_byes() {
    const SCRIPT: &str = r#"
async with websockets.connect(base + '/echo', max_size=None) as socket:
    # It offers compression, which is declined.
    assert socket.extensions == [] and socket.subprotocol is None
    for message in ['', 'text', 'κόσμε', b'', b'\x00\xff', 'x' * 65536, b'y' * 900000]:
        await socket.send(message)
        assert await socket.recv() == message
    # In fragments.
    await socket.send(['in ', '', 'fragm', 'ents'])
    assert await socket.recv() == 'in fragments'
    await socket.send([b'a' * 1000] * 100)
    assert await socket.recv() == b'a' * 100000
    for payload in [b'', b'ping', b'p' * 125]:
        await (await socket.ping(payload))
    await socket.pong(b'unsolicited')
    # Many at a time.
    for nth in range(500):
        await socket.send(str(nth))
    for nth in range(500):
        assert await socket.recv() == str(nth)
    await socket.close(4000, 'done')
    assert socket.close_code == 4000, socket.close_code
async with websockets.connect(base + '/echo?subprotocols=chat.v2,chat.v1', subprotocols=['chat.v1', 'x']) as socket:
    assert socket.subprotocol == 'chat.v1'
async with websockets.connect(base + '/obey') as socket:
    await socket.send('close 4001 go home')
    try:
        await socket.recv()
        assert False
    except ConnectionClosed as closed:
        assert (closed.rcvd.code, closed.rcvd.reason, closed.rcvd_then_sent) == (4001, 'go home', True), closed
async with websockets.connect(base + '/echo?message_limit=1000') as socket:
    await socket.send('x' * 1001)
    try:
        await socket.recv()
        assert False
    except ConnectionClosed as closed:
        assert closed.rcvd.code == 1009, closed
try:
    await websockets.connect(base + '/echo?origins=https://example.org', origin='https://example.com')
    assert False
except websockets.InvalidStatusCode as refused:
    assert refused.status_code == 403
print('well')
"#;
    let service = websocket().start();
    let exit = python(&service, SCRIPT).spawn().wait(PATIENCE);
    exit.expect_code(0).line("well");
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("opened", 4), ("errors", 1), ("lost", 0), ("told", 0)]);
}

/// Two hundred of them ask without a pause when the signal comes. Each is told, and nothing that it had sent is lost.
#[test]
fn the_signal() {
    const SCRIPT: &str = r#"
signalled = asyncio.Event()
opened = 0
async def talk(nth):
    nonlocal opened
    async with websockets.connect(base + '/echo') as socket:
        asked = 0
        try:
            while True:
                await socket.send(f'{nth} {asked}')
                assert await socket.recv() == f'{nth} {asked}'
                asked += 1
                if asked == 1:
                    opened += 1
                    if opened == 200:
                        print('all are there', flush=True)
                if nth >= 100:
                    await socket.recv()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None and closed.rcvd.code == 1001, repr(closed)
            assert closed.rcvd.reason == 'the service is stopping' and closed.rcvd_then_sent, repr(closed)
            return asked
answered = await asyncio.gather(*(talk(nth) for nth in range(200)))
print('answered', sum(answered))
"#;
    let service = websocket().start();
    let clients = python(&service, SCRIPT).spawn();
    clients.wait_text("all are there");
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    let clients = clients.wait(PATIENCE);
    clients.expect_code(0);
    let answered: u64 = clients.line("answered ")["answered ".len()..].parse().expect("a number");
    exit.expect_code(0).expect_outcome("clean").expect_within(std::time::Duration::from_secs(2));
    expect_counts(
        &exit,
        &[("opened", 200), ("told", 200), ("answered", 200), ("sent", answered), ("cut", 0), ("lost", 0)],
    );
}
