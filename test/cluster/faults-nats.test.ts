/** Faults of NATS servers, while two servers append and follow. */
import { NATS_FAULTS } from "../../scripts/chaos/cluster/faults.ts";
import { faultSuite } from "./faults.ts";

faultSuite("faults of NATS servers", NATS_FAULTS);
