/** A NATS server with its clients is cut from the two others. */
import { partition } from "../../scripts/chaos/cluster/faults.ts";
import { NetworkNamespace, NO_NAMESPACES } from "../fixture/network-namespace.ts";
import { faultSuite } from "./faults.ts";

let namespace: NetworkNamespace | undefined;

const network = { cut: () => namespace?.cut(), heal: () => namespace?.heal() };

faultSuite(
  "a minority with its clients",
  { "is cut from the majority, which goes on, and comes back": partition(network) },
  {
    missing: NO_NAMESPACES,
    terms: () => {
      namespace = new NetworkNamespace();
      return { lab: { firstIn: namespace } };
    },
    undo: () => namespace?.remove(),
  },
);
