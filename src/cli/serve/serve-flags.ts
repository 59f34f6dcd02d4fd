/**
 * The values of the options of the command.
 * @module
 */
import type { LogLevel } from "@logtape/logtape";
import type { Limits } from "../../engine/limits.ts";
import type { Deletes } from "../../server/request/deletes.ts";
import type { StorePlace } from "../stores/store-url.ts";
import type { GateFlags } from "./gate-options.ts";
import type { ListenAddress } from "./listen-address.ts";
import type { LogFormat } from "./log.ts";
import type { StoreFlags } from "./served-store.ts";

/** The options of the command, parsed. */
export interface ServeFlags extends GateFlags, StoreFlags {
  /** The store that the options name. */
  readonly place: StorePlace;
  readonly http: ListenAddress;
  readonly port?: number;
  readonly admin?: ListenAddress;
  readonly host: readonly string[];
  readonly trustedProxy: readonly string[];
  readonly origin: readonly string[];
  readonly cors?: boolean;
  readonly listings: boolean;
  readonly durableStreams: boolean;
  readonly viewer: boolean;
  readonly webhooks?: boolean;
  readonly publicUrl?: string;
  readonly cacheSeconds: number;
  readonly deletes?: Deletes;
  readonly limit: Partial<Limits>;
  /** How many processes serve; `auto`: one per processor. */
  readonly workers?: number | "auto";
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
}
