use super::made::{CLIENT, Play, SERVER, packet, pcap, read, told, words};
use super::segment::{ACK, FIN, RST, SYN};
use super::{Counts, Packets};
use proptest::prelude::*;

const BIG: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf";
const UPLOAD: &[u8] = b"POST /up HTTP/1.1\r\nContent-Length: 1000\r\n\r\nhalf";
const REFUSAL: &[u8] = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[test]
fn a_connection_that_goes_well_tells_nothing() {
    let mut play = Play::opened(0);
    for at in [10, 2000, 4000] {
        play.ask(at);
        play.answer(at + 1);
    }
    play.close(CLIENT, 5000);
    play.close(SERVER, 5001);
    assert_eq!(play.told(), []);
}

#[test]
fn refused() {
    let mut play = Play::new("[2001:db8::1]:40000", "[2001:db8::9]:3000");
    play.send(CLIENT, 0, SYN, b"");
    play.reset(SERVER, 1);
    let line = "packets 1-2: [2001:db8::1]:40000 > [2001:db8::9]:3000: refused: RST to the SYN";
    assert_eq!(play.told(), [("refused", line.to_owned())]);
}

#[test]
fn never_answered() {
    let mut play = Play::new("192.0.2.1:40000", "192.0.2.9:3000");
    for at in [0, 1000, 3000] {
        play.again(CLIENT, at, SYN, b"");
    }
    assert_eq!(words(vec![play]), ["connect"]);
}

#[test]
fn a_packet_that_was_captured_twice_was_sent_once() {
    let mut play = Play::new("192.0.2.1:40000", "192.0.2.9:3000");
    play.again(CLIENT, 0, SYN, b"");
    play.open(0);
    play.ask(1);
    play.answer(2);
    let twice = play.packets.iter().flat_map(|p| [p.clone(), p.clone()]);
    play.packets = twice.collect();
    assert_eq!(play.told(), []);
}

#[test]
fn answered_late() {
    let mut play = Play::new("192.0.2.1:40000", "192.0.2.9:3000");
    play.again(CLIENT, 0, SYN, b"");
    play.open(1000);
    assert_eq!(words(vec![play]), ["late"]);
}

#[test]
fn a_full_accept_queue() {
    let mut play = Play::new("192.0.2.1:40000", "192.0.2.9:3000");
    play.send(CLIENT, 0, SYN, b"");
    play.again(SERVER, 1, SYN | ACK, b"");
    play.again(CLIENT, 2, ACK, b"");
    play.again(SERVER, 1001, SYN | ACK, b"");
    assert_eq!(words(vec![play]), ["queue full"]);
}

#[test]
fn given_up_for_the_next_address() {
    let mut first = Play::new("[2001:db8::1]:40000", "[2001:db8::9]:3000");
    first.send(CLIENT, 0, SYN, b"");
    first.send(SERVER, 300, SYN | ACK, b"");
    first.cross(CLIENT, 301, RST, b"");
    let mut second = Play::new("192.0.2.1:40001", "192.0.2.9:3000");
    second.open(250);
    let told = told(vec![first, second]);
    assert_eq!(told[0].0, "given up");
    assert!(
        told[0]
            .1
            .ends_with("answered after 300 ms, when the client had given it up")
    );
    assert_eq!(told.len(), 1);
}

#[test]
fn the_next_address_and_no_answer_from_the_first() {
    let mut first = Play::new("192.0.2.1:40000", "192.0.2.8:3000");
    first.send(CLIENT, 0, SYN, b"");
    let mut second = Play::new("192.0.2.1:40001", "192.0.2.9:3000");
    second.open(250);
    assert_eq!(words(vec![first, second]), ["given up"]);
}

#[test]
fn a_close_at_rest_is_measured() {
    let mut play = Play::opened(0);
    play.ask(10);
    play.answer(20);
    play.close(SERVER, 5020);
    let line =
        "packets 5-6: 192.0.2.1:40000 > 192.0.2.9:3000: FIN by the server after 5000 ms of rest";
    assert_eq!(play.told(), [("idle close", line.to_owned())]);
}

#[test]
fn a_close_that_was_announced_is_none() {
    let mut play = Play::opened(0);
    play.ask(10);
    play.send(
        SERVER,
        20,
        ACK,
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    );
    play.close(SERVER, 20);
    assert_eq!(play.told(), []);
}

#[test]
fn a_race_seen_from_the_server() {
    let mut play = Play::opened(0);
    play.ask(10);
    play.answer(20);
    play.close(SERVER, 5020);
    play.cross(CLIENT, 5021, ACK, b"GET /y HTTP/1.1\r\n\r\n");
    play.reset(SERVER, 5021);
    let told = play.told();
    assert_eq!(told[0].0, "idle close");
    assert_eq!(told[1].0, "race");
    assert!(told[1].1.starts_with("packets 6-7: "), "{}", told[1].1);
    assert!(told[1].1.contains(": GET /y: "));
    assert_eq!(told.len(), 2);
}

#[test]
fn a_race_seen_from_the_client() {
    let mut play = Play::opened(0);
    play.ask(10);
    play.answer(20);
    play.ask(5019);
    play.cross(SERVER, 5020, FIN | ACK, b"");
    assert_eq!(words(vec![play]), ["race"]);
}

#[test]
fn a_race_by_reset() {
    let mut play = Play::opened(0);
    play.ask(10);
    play.answer(20);
    play.ask(5019);
    play.reset(SERVER, 5020);
    assert_eq!(words(vec![play]), ["race"]);
}

#[test]
fn asked_long_after_the_close_had_come() {
    let mut play = Play::opened(0);
    play.ask(10);
    play.answer(20);
    play.close(SERVER, 5020);
    play.send(CLIENT, 5021, ACK, b"");
    play.ask(9000);
    assert_eq!(words(vec![play]), ["idle close", "stale"]);
}

#[test]
fn a_server_that_worked_on_it_and_died() {
    let mut play = Play::opened(0);
    play.ask(10);
    play.answer(20);
    play.ask(5000);
    play.send(SERVER, 5001, ACK, b"");
    play.reset(SERVER, 7000);
    assert_eq!(words(vec![play]), ["closed"]);
}

#[test]
fn accepted_and_closed_at_once() {
    let mut early = Play::opened(0);
    early.close(SERVER, 1);
    early.cross(CLIENT, 1, ACK, b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(words(vec![early]), ["closed at once"]);
    let mut late = Play::opened(0);
    late.ask(1);
    late.reset(SERVER, 1);
    assert_eq!(words(vec![late]), ["closed at once"]);
}

#[test]
fn cut_off_in_the_body_or_the_head() {
    let mut body = Play::opened(0);
    body.ask(10);
    body.send(SERVER, 20, ACK, BIG);
    body.close(SERVER, 30);
    assert_eq!(words(vec![body]), ["cut off"]);
    let mut head = Play::opened(0);
    head.ask(10);
    head.send(SERVER, 20, ACK, b"HTTP/1.1 200 OK\r\n");
    head.close(SERVER, 30);
    assert_eq!(words(vec![head]), ["closed"]);
}

#[test]
fn an_answer_that_the_close_ends_is_whole() {
    let mut play = Play::opened(0);
    play.ask(10);
    play.send(SERVER, 20, ACK, b"HTTP/1.1 200 OK\r\n\r\nall");
    play.close(SERVER, 30);
    assert_eq!(play.told(), []);
}

#[test]
fn an_early_answer_is_lost() {
    let mut play = Play::opened(0);
    play.send(CLIENT, 10, ACK, UPLOAD);
    play.send(SERVER, 11, ACK, REFUSAL);
    play.cross(CLIENT, 12, ACK, b"more");
    play.reset(SERVER, 12);
    assert_eq!(words(vec![play]), ["body unread"]);
}

#[test]
fn an_early_answer_that_lingers_is_not() {
    let mut play = Play::opened(0);
    play.send(CLIENT, 10, ACK, UPLOAD);
    play.send(SERVER, 11, ACK, REFUSAL);
    play.close(SERVER, 11);
    play.close(CLIENT, 12);
    assert_eq!(play.told(), []);
}

#[test]
fn not_even_acknowledged_after_a_long_rest() {
    let mut play = Play::opened(0);
    play.ask(10);
    play.answer(20);
    for after in [0, 200, 600, 1400, 3000] {
        play.again(CLIENT, 400_020 + after, ACK, b"GET /y HTTP/1.1\r\n\r\n");
    }
    let told = play.told();
    assert_eq!(told[0].0, "unanswered");
    assert!(
        told[0].1.ends_with("after 400000 ms of rest"),
        "{}",
        told[0].1
    );
    assert_eq!(told.len(), 1);
}

#[test]
fn the_client_gives_up() {
    let mut play = Play::opened(0);
    play.ask(10);
    play.close(CLIENT, 3010);
    assert_eq!(words(vec![play]), ["no answer"]);
    let mut soon = Play::opened(0);
    soon.ask(10);
    soon.close(CLIENT, 20);
    assert_eq!(soon.told(), []);
}

/// A record of TLS, its contents of no interest.
fn record(kind: u8, size: u16) -> Vec<u8> {
    let [high, low] = size.to_be_bytes();
    [&[kind, 3, 3, high, low], &vec![7; size.into()][..]].concat()
}

#[test]
fn encrypted_requests_are_told_from_the_handshake_and_its_end() {
    let mut play = Play::opened(0);
    play.send(CLIENT, 1, ACK, &record(22, 200));
    play.send(SERVER, 2, ACK, &record(22, 90));
    play.send(SERVER, 2, ACK, &record(23, 3000));
    play.send(CLIENT, 3, ACK, &record(23, 53));
    play.send(CLIENT, 4, ACK, &record(23, 300));
    play.send(SERVER, 5, ACK, &record(23, 800));
    play.send(SERVER, 5005, ACK, &record(23, 19));
    play.close(SERVER, 5005);
    play.send(CLIENT, 5005, ACK, &record(23, 19));
    play.close(CLIENT, 5005);
    let told = play.told();
    assert_eq!(told[0].0, "idle close");
    assert!(
        told[0].1.ends_with("after 5000 ms of rest"),
        "{}",
        told[0].1
    );
    assert_eq!(told.len(), 1);
}

#[test]
fn a_race_in_tls() {
    let mut play = Play::opened(0);
    play.send(CLIENT, 1, ACK, &record(22, 200));
    play.send(SERVER, 2, ACK, &record(22, 90));
    play.send(CLIENT, 10, ACK, &record(23, 300));
    play.send(SERVER, 15, ACK, &record(23, 800));
    play.send(CLIENT, 5010, ACK, &record(23, 300));
    play.cross(SERVER, 5011, FIN | ACK, b"");
    assert_eq!(words(vec![play]), ["race"]);
}

/// Connections that rested so long, in ms, and were all closed at one moment.
fn closed_together(rests: &[u64]) -> Vec<Play> {
    let play = |(number, rest): (usize, &u64)| {
        let mut play = Play::new(&format!("192.0.2.1:{}", 40_000 + number), "192.0.2.9:3000");
        play.open(0);
        play.ask(10);
        play.answer(20_000 - rest);
        play.close(SERVER, 20_000);
        play
    };
    rests.iter().enumerate().map(play).collect()
}

#[test]
fn a_server_that_ends_closes_all_at_once() {
    let words = words(closed_together(&[100, 2000, 4000, 6000, 8000, 9000]));
    assert_eq!(words.last(), Some(&"closed together"));
}

#[test]
fn so_does_a_server_that_is_reloaded_under_load() {
    let words = words(closed_together(&[1, 12, 27]));
    assert_eq!(words.last(), Some(&"closed together"));
}

#[test]
fn an_idle_timeout_does_too_for_those_that_rested_equally() {
    let words = words(closed_together(&[5000, 5001, 5002, 5003, 5004, 5005]));
    assert_eq!(words, ["idle close"; 6]);
}

#[test]
fn the_method_is_known_though_the_head_was_cut() {
    let mut play = Play::opened(0);
    play.ask(10);
    play.reset(SERVER, 500);
    // What was kept of each packet: its headers and eight bytes.
    let mut file = pcap(&[]);
    for (at, data) in play.packets {
        let kept = &data[..data.len().min(48)];
        let head = [0, at as u32 * 1000, kept.len() as u32, data.len() as u32];
        file.extend(head.map(u32::to_le_bytes).concat());
        file.extend(kept);
    }
    let told = read(&file);
    assert_eq!(told[1].0, "closed");
    assert!(told[1].1.contains(": GET /x: "), "{told:?}");
}

#[test]
fn connections_are_forgotten_before_they_are_too_many() {
    let server = "192.0.2.9:3000".parse().unwrap();
    let mut packets = Packets::new();
    packets.feed(&pcap(&[]), &mut |_, _, _| ());
    let mut unanswered = 0;
    let mut count = |_: u64, _: &str, event: crate::Event<'_>| {
        unanswered += usize::from(event.word == "connect");
    };
    for number in 0..60_000_u32 {
        let [_, a, b, c] = number.to_be_bytes();
        let client = std::net::SocketAddr::from(([10, a, b, c], 4000));
        for at in [0, 1000] {
            let syn = packet([client, server], [7, 0], SYN, b"");
            packets.feed(&pcap(&[(at, syn)])[24..], &mut count);
        }
        assert!(packets.remembered() <= 50_000);
    }
    let counts = packets.end(&mut count);
    assert_eq!(counts.connections, 60_000);
    assert_eq!(unanswered, 60_000);
}

#[test]
fn what_was_read_is_counted() {
    let ends = [
        "192.0.2.1:1".parse().unwrap(),
        "192.0.2.9:2".parse().unwrap(),
    ];
    let syn = packet(ends, [0, 0], SYN, b"");
    let mut fragment = syn.clone();
    fragment[7] = 3;
    let mut udp = syn.clone();
    udp[9] = 17;
    let cut = syn[..30].to_vec();
    let file = pcap(&[(0, syn), (0, fragment), (0, udp), (0, cut)]);
    let mut packets = Packets::new();
    packets.feed(&file[..file.len() - 1], &mut |_, _, _| ());
    assert_eq!(
        packets.end(&mut |_, _, _| ()),
        Counts {
            packets: 3,
            segments: 1,
            unknown: 1,
            connections: 1,
            broken: true,
        }
    );
}

/// Segments of a few connections: any flags, any data, any numbers near each other.
fn segments() -> impl Strategy<Value = Vec<(u64, Vec<u8>)>> {
    let data = prop::sample::select(vec![
        &b""[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"HEAD /",
        b" HTTP/1.1\r\n",
        UPLOAD,
        BIG,
        REFUSAL,
        b"\r\n",
        b"\x16\x03\x01\x00\x05hello",
        b"\x17\x03\x03\x00\x30",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n",
    ]);
    let segment = (
        0..2_u16,
        any::<bool>(),
        0..64_u8,
        0..80_u32,
        0..80_u32,
        0..2000_u64,
        data,
    );
    prop::collection::vec(segment, 0..40).prop_map(|segments| {
        let mut now = 0;
        let packets = segments
            .into_iter()
            .map(|(port, forth, flags, seq, ack, after, data)| {
                now += after;
                let client = std::net::SocketAddr::from(([192, 0, 2, 1], 4000 + port));
                let server = std::net::SocketAddr::from(([192, 0, 2, 9], 80));
                let ends = if forth {
                    [client, server]
                } else {
                    [server, client]
                };
                (now, packet(ends, [seq, ack], flags, data))
            });
        packets.collect()
    })
}

fn in_pieces(file: &[u8], size: usize) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut packets = Packets::new();
    for piece in file.chunks(size) {
        packets.feed(piece, &mut |_, line, event| {
            found.push((event.word, line.to_owned()));
        });
    }
    packets.end(&mut |_, line, event| found.push((event.word, line.to_owned())));
    found
}

proptest! {
    #[test]
    fn any_segments_in_any_pieces(packets in segments(), size in 1..100_usize) {
        let file = pcap(&packets);
        prop_assert_eq!(in_pieces(&file, size), read(&file));
    }

    #[test]
    fn any_bytes_in_any_pieces(bytes in prop::collection::vec(any::<u8>(), 0..400), size in 1..100_usize) {
        for head in [pcap(&[]), super::pcapng::Sections::MAGIC.to_vec(), Vec::new()] {
            let file = [head, bytes.clone()].concat();
            prop_assert_eq!(in_pieces(&file, size), read(&file));
        }
    }
}

#[test]
fn what_the_capture_lost_is_no_fault_of_the_server() {
    for end in [CLIENT, SERVER] {
        let mut play = Play::opened(0);
        play.ask(10);
        play.answer(11);
        play.close(end, 5000);
        play.packets.remove(4);
        assert_eq!(play.told(), [], "the answer");

        let mut play = Play::opened(0);
        play.ask(10);
        play.send(SERVER, 11, ACK, BIG);
        play.send(SERVER, 12, ACK, &[b'x'; 996]);
        play.close(end, 5000);
        play.packets.remove(5);
        assert!(!words(vec![play]).contains(&"cut off"));
    }
    // Of three answers one is lost: the others belong to the requests before them.
    let mut play = Play::opened(0);
    for at in [10, 1000, 2000] {
        play.ask(at);
        play.answer(at + 1);
    }
    play.ask(2500);
    play.close(CLIENT, 2550);
    play.packets.remove(4);
    assert_eq!(play.told(), []);
}

#[test]
fn a_client_that_stops_in_its_request_is_given_up() {
    for (end, expected) in [(60, Some("closed")), (2010, None)] {
        let mut play = Play::opened(0);
        play.send(CLIENT, 10, ACK, UPLOAD);
        play.send(SERVER, 11, ACK, b"");
        play.close(SERVER, end);
        assert_eq!(words(vec![play]), Vec::from_iter(expected));
    }
}
