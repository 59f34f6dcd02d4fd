/**
 * Notices that a server on Deno no longer accepts connections, and makes it listen again. On Deno, an accept that fails
 * because no file descriptor is left is never repeated, and no event reports it.
 * @module
 */
import { connect, type Socket } from "node:net";

/** Milliseconds between two checks. */
const LOOK_MS = 2_000;

/** Number of checks for which a connection to the server itself may wait for its accept. */
const MAX_WAITS = 2;

/** The share of the descriptors in use from which the server is tried. Connections alone reach no more than half. */
const SUSPICIOUS = 0.25;

/** What is known of the connections of the server. */
export interface AcceptSigns {
  /** Number of connections that were reported so far. */
  readonly accepted: number;
  /** The largest share of the descriptors that was found in use since the last call. */
  takePeak(): number;
}

/** The listening socket of the server. */
export interface ListeningSocket {
  /** Where it can be reached. */
  readonly address: { readonly host: string; readonly port: number };
  /** Closes it and listens again. */
  reopen(): void;
}

/**
 * Connects to the server now and then while its descriptors are scarce. If the server does not accept the connection,
 * it listens again.
 *
 * @param signs The connections of the server.
 * @param socket The listening socket.
 * @returns Ends the watch.
 */
export function watchAccept(signs: AcceptSigns, socket: ListeningSocket): () => void {
  let isSuspicious = false;
  let probe: Socket | undefined;
  let accepted = 0;
  let waits = 0;

  const end = (): void => {
    probe?.destroy();
    probe = undefined;
  };

  const begin = (): void => {
    accepted = signs.accepted;
    waits = 0;
    const own = connect(socket.address);
    probe = own;
    // Without a descriptor for the connection itself, the next check tries again.
    own.on("error", () => {
      if (probe === own) probe = undefined;
    });
  };

  const look = (): void => {
    isSuspicious ||= signs.takePeak() > SUSPICIOUS;
    if (!isSuspicious) return;
    if (!probe) {
      begin();
      return;
    }
    const isAlive = signs.accepted > accepted;
    if (!isAlive && ++waits < MAX_WAITS) return;
    end();
    isSuspicious = false;
    if (!isAlive) socket.reopen();
  };

  const timer = setInterval(look, LOOK_MS);
  return () => {
    clearInterval(timer);
    end();
  };
}
