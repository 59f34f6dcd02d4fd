/**
 * The address of a client behind proxies that the operator trusts.
 * @module
 */
import ipaddr from "ipaddr.js";

type Address = ReturnType<typeof ipaddr.process>;
type Network = readonly [Address, number];

/** The proxies whose `Forwarded` and `X-Forwarded-For` are believed. */
export class TrustedProxies {
  readonly #networks: readonly Network[];

  /**
   * @param proxies Addresses such as `10.0.0.7`, and networks such as `10.0.0.0/8` or `fd00::/8`.
   * @throws {TypeError} for an entry that is neither.
   * @example
   * ```ts
   * const proxies = new TrustedProxies(["127.0.0.1"]);
   * proxies.peerOf("127.0.0.1", new Headers({ "X-Forwarded-For": "203.0.113.5" })); // "203.0.113.5"
   * ```
   */
  constructor(proxies: readonly string[]) {
    this.#networks = proxies.map(networkOf);
  }

  /**
   * The address of the client: of the last one in the chain of proxies that is not itself trusted. Where the chain ends
   * in something that is not an address, it is that of the proxy that said so.
   *
   * @param direct The address that the connection comes from.
   */
  peerOf(direct: string | undefined, headers: Headers): string | undefined {
    if (direct === undefined || !this.trusts(direct)) return direct;
    const chains = [forwardedFor(headers.get("Forwarded")), split(headers.get("X-Forwarded-For"))];
    const peers = chains.filter((chain) => chain !== undefined).map((chain) => this.#lastOf(chain, direct));
    // A proxy sets only one of the headers, so the other one may be the client's own. Two missing headers do not
    // disagree.
    return peers.every((peer) => peer === peers[0]) ? (peers[0] ?? direct) : direct;
  }

  #lastOf(chain: readonly string[], direct: string): string {
    let peer = direct;
    for (const hop of chain.toReversed()) {
      const address = addressOf(hop);
      if (!address) return peer;
      peer = address.toString();
      if (!this.trusts(peer)) return peer;
    }
    return peer;
  }

  /** Whether an address is that of one of the proxies. */
  trusts(text: string): boolean {
    const address = addressOf(text);
    return (
      address !== undefined &&
      this.#networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits))
    );
  }
}

/** @throws {TypeError} */
function networkOf(text: string): Network {
  const [, host = "", prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = addressOf(host);
  const max = address?.kind() === "ipv4" ? 32 : 128;
  const bits = prefix === undefined ? max : Number(prefix);
  if (address && bits <= max) return [address, bits];
  throw new TypeError(`A trusted proxy is an IP address or a network such as 10.0.0.0/8, not ${JSON.stringify(text)}.`);
}

/** Parses an address, with or without brackets and a port. An IPv4 address that is mapped into IPv6 becomes IPv4. */
function addressOf(text: string): Address | undefined {
  const [, inBrackets] = /^\[([^\]]*)\](?::\d+)?$/.exec(text) ?? [];
  const [, beforePort] = /^([\d.]+):\d+$/.exec(text) ?? [];
  const bare = inBrackets ?? beforePort ?? text;
  // The package also reads addresses such as 0x7f.1, which no proxy writes.
  if (!ipaddr.IPv4.isValidFourPartDecimal(bare) && !ipaddr.IPv6.isValid(bare)) return undefined;
  return ipaddr.process(bare);
}

function split(header: string | null): string[] | undefined {
  return header?.split(",").map((part) => part.trim());
}

/** The nodes after `for=` in a `Forwarded` header, one for each element; empty for an element without one. */
function forwardedFor(header: string | null): string[] | undefined {
  if (header === null) return undefined;
  // Half a quoted string from a client could swallow what the proxy has added. No address needs an escape.
  if (header.includes("\\") || header.split('"').length % 2 === 0) return [""];
  return parts(header, ",").map((element) => {
    const [node = "", other] = parts(element, ";").filter((pair) => /^\s*for\s*=/i.test(pair));
    // A second node may be the client's own, in what the proxy repeats without quotes.
    if (other !== undefined) return "";
    const [, quoted, plain = ""] = /^\s*for=(?:"([^"]*)"|([^"\s]*))\s*$/i.exec(node) ?? [];
    return quoted ?? plain;
  });
}

/** Splits a header. Separators in quotes are text: a proxy repeats there what the client has sent, such as its `Host`. */
function parts(text: string, separator: "," | ";"): readonly string[] {
  return text.match(separator === "," ? /(?:[^,"]|"[^"]*")+/g : /(?:[^;"]|"[^"]*")+/g) ?? [];
}
