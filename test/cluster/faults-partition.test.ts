/** A NATS server with its clients is cut from the two others: it leads a stream, and one of the servers knows no other one. */
import assert from "node:assert/strict";
import { NetworkNamespace, NO_NAMESPACES } from "../fixture/network-namespace.ts";
import { faultSuite } from "./faults.ts";

let namespace: NetworkNamespace | undefined;

faultSuite(
  "a minority with its clients",
  {
    "is cut from the majority, which goes on, and comes back": async (scene, loads) => {
      const [first] = scene.lab.nodes;
      assert.ok(first);
      await scene.lab.lead(scene.stream(0), first);
      namespace?.cut();
      // As a load balancer does with a server that is not ready.
      scene.entrance.avoid(0);
      await Promise.all(loads.map((load) => load.goesOn()));
      namespace?.heal();
      scene.entrance.use(0);
      await scene.lab.healthy();
    },
  },
  {
    missing: NO_NAMESPACES,
    terms: () => {
      namespace = new NetworkNamespace();
      return { lab: { firstIn: namespace } };
    },
    undo: () => namespace?.remove(),
  },
);
