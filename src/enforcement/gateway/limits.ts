/** Every bound of the HTTP enforcement point, in one place. Exceeding one is a refusal, never an unbounded buffer. */

/** Request line and all header fields together, bytes; more is answered 431. */
export const headerBytesMax = 32 * 1024;
/** Fields of one request, cookie crumbs not counted. */
export const headerCountMax = 150;
/** Headers that `Connection` may nominate: each is looked for among all fields. Real clients name one or two. */
export const nominationsMax = 32;
/**
 * HTTP/2 may send every cookie as a field of its own (RFC 9113 8.2.3). Chromium keeps 180 for a domain with all its hosts, and as
 * many partitioned ones: whatever a hostile app's script sets for its parent domain, the count alone locks nobody out.
 */
export const cookieCrumbsMax = 400;
/** Cookies of one request together, bytes: about what app servers take. */
export const cookieBytesMax = 16 * 1024;
/** Request target, bytes: RFC 9110 4.1 recommends at least 8000. */
export const targetBytesMax = 8 * 1024;
export const segmentsMax = 128;
export const hostBytesMax = 253;
/** Bytes a client may send ahead of what is being answered or forwarded before its socket is paused. */
export const clientReadAheadBytesMax = 64 * 1024;
/** `Set-Cookie` fields an upstream may send in one answer. */
export const setCookieCountMax = 50;

/** A client must have sent its whole header section by then: slowloris. */
export const clientHeadersMsMax = 15_000;
/** An idle keep-alive connection of a client is closed after this. */
export const clientKeepAliveMs = 60_000;
/** A client that neither sends nor takes body bytes for this long is cut. */
export const clientBodyIdleMsMax = 60_000;
/** How long the rest of an unwanted body is read and thrown away, so that the client can take the answer. */
export const clientLingerMs = 1_000;
export const clientRequestsPerConnectionMax = 100_000;
export const clientConnectionsMax = 20_000;
/**
 * Of those, what one client address may hold unless a setting says otherwise (IPv6: one /64). A browser holds a handful, so that is an
 * office of a hundred people and more behind one address.
 */
export const clientConnectionsPerAddressMax = 1_000;
/**
 * How many times that a whole site may hold (IPv4: a /24, IPv6: a /48): it can be as many clients as it likes. A fifth of all there are,
 * unless the setting says more for each.
 */
export const connectionsPerNetworkTimes = 4;
/** TLS handshakes must end by then. */
export const tlsHandshakeMsMax = 10_000;

/** HTTP/2, RFC 9113 6.5.2. */
export const http2ConcurrentStreamsMax = 128;
export const http2SessionMemoryMegabytesMax = 16;
/** Streams a client may reset in one window before its connection is closed: CVE-2023-44487. */
export const http2ResetsPerWindowMax = 200;
export const http2ResetWindowMs = 10_000;
/** Settings and ping frames a client may leave unacknowledged. */
export const http2OutstandingMax = 32;

/** Chunked bodies, either way: extensions (thrown away) and trailer fields of one body, bytes. */
export const chunkExtensionBytesMax = 256;
export const trailerBytesMax = 8 * 1024;

/** Fields in the head of an app's answer, and in its trailers. */
export const answerFieldCountMax = 256;
/** Interim answers (RFC 9110 15.2) before the real one. */
export const interimAnswersMax = 8;

export const upstreamConnectMsMax = 5_000;
/** How long an HTTP/2 app is left alone after it could not be reached, at first and at most. */
export const upstreamRestMsMin = 100;
export const upstreamRestMsMax = 2_000;
export const upstreamHeadersMsMax = 60_000;
/** An upstream answer may pause this long between bytes; event streams are told apart by `streamIdleMsMax`. */
export const upstreamBodyIdleMsMax = 120_000;
/** Server-sent events and gRPC streams may be silent this long. */
export const streamIdleMsMax = 60 * 60_000;
export const upstreamKeepAliveMs = 4_000;
/** Exchanges in progress with one upstream, event streams included; more are answered 503. */
export const upstreamExchangesMax = 10_000;
/** Further attempts after a kept-alive connection turned out stale. */
export const staleRetriesMax = 1;

/** WebSocket: how long the peer may take to answer our close frame before its socket is destroyed. */
export const websocketCloseMs = 1_000;
export const websocketIdleMsMax = 60 * 60_000;
