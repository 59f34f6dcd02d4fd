/** Faults of the servers in front of NATS, and of their connections to it. */
import { SERVER_FAULTS } from "../../scripts/chaos/cluster/faults.ts";
import { faultSuite } from "./faults.ts";

faultSuite("faults of servers in front of NATS", SERVER_FAULTS);
