/** The files of deploy/ fit together, and to the program. test/cluster/deploy.test.ts runs nats.conf. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { parse } from "yaml";
import { ROOT } from "../../scripts/lib/install.mjs";
import { executable, run, scriptArguments } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { debianProgram } from "./debian-program.ts";

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const file = (name: string): Promise<string> => readFile(join(ROOT, "deploy", name), "utf8");
const compose = parse(await file("compose.yaml"), { merge: true }) as Compose;
const conf = await file("nats.conf");
const caddyfile = await file("Caddyfile");
const dockerfile = await file("Dockerfile");
const packageJson = await readFile(join(ROOT, "package.json"), "utf8");
const services = Object.entries(compose.services);
const nats = services.filter(([, { image }]) => image?.startsWith("nats:"));
const servers = services.filter(([, { build }]) => build === ".");
const folder = await temporaryFolder("deploy-docs");
after(() => removeFolder(folder));

describe("deploy/compose.yaml", () => {
  it("has three NATS servers, two servers, and Caddy", () => {
    assert.deepEqual(
      [nats.map(([name]) => name), servers.map(([name]) => name)],
      [
        ["n1", "n2", "n3"],
        ["h1", "h2"],
      ],
    );
    assert.ok(compose.services["caddy"]);
    for (const [name, { depends_on: others = [] }] of services) {
      for (const other of others) assert.ok(other in compose.services, `${name} depends on ${other}`);
    }
  });

  it("gives each NATS server its name, its disk, and what its configuration asks for", () => {
    const wanted = [...new Set([...conf.matchAll(/: \$([A-Z_]+)/g)].map(([, name]) => name))].sort();
    for (const [name, { environment = {}, volumes = [] }] of nats) {
      assert.equal(environment["NATS_NAME"], name);
      assert.deepEqual(Object.keys(environment).sort(), wanted);
      assert.ok(volumes.includes(`${name}:/data`) && name in compose.volumes, name);
      assert.ok(volumes.includes("./nats.conf:/etc/nats.conf:ro"), name);
      assert.ok(conf.includes(`"nats://${name}:6222"`), `the routes name ${name}`);
    }
    assert.match(conf, /^\s+sync_interval: always$/m);
  });

  it("gives the servers options that serve has, with all NATS servers in them", async () => {
    const line = [...scriptArguments("node", "mod.ts"), "serve", "--help"];
    const help = String((await run(await executable("node"), line)).stdout.bytes());
    for (const [name, { environment = {} }] of servers) {
      for (const variable of Object.keys(environment)) assert.match(help, new RegExp(`\\b${variable}\\b`), variable);
      for (const [other] of nats) {
        assert.ok(environment["HTTPFSTREAM_STORE"]?.includes(`${other}:4222`), `${name} uses ${other}`);
        const monitors = environment["HTTPFSTREAM_STORE_MONITOR"];
        assert.ok(monitors?.includes(`http://${other}:8222`), `${name} checks ${other}`);
      }
      assert.equal(environment["HTTPFSTREAM_REPLICAS"], String(nats.length));
    }
  });
});

describe("deploy/Dockerfile", () => {
  it("installs the optional packages in the versions that package.json allows", () => {
    const { peerDependencies } = JSON.parse(packageJson) as { peerDependencies: Record<string, string> };
    for (const name of ["@nats-io/transport-node", "@nats-io/jetstream"]) {
      const [, major] = /^\^(\d+)\./.exec(peerDependencies[name] ?? "") ?? [];
      assert.ok(dockerfile.includes(`${name}@${major}`), name);
    }
  });
});

describe("deploy/Caddyfile", async () => {
  it("names the servers of compose.yaml, and their probes", () => {
    for (const [name] of servers) assert.match(caddyfile, new RegExp(`reverse_proxy .*\\b${name}:8080\\b`));
    assert.match(caddyfile, /health_uri \/readyz\n\s+health_port 9090\n/);
  });

  const caddy = await debianProgram("caddy", ["usr/bin/caddy"], folder);
  const skip = caddy === undefined && "caddy is not installed; run scripts/debian.sh caddy";

  it("is valid for Caddy", { skip }, () => {
    const options = { encoding: "utf8", env: { ...process.env, HOME: folder } } as const;
    const args = ["adapt", "--config", join(ROOT, "deploy", "Caddyfile"), "--adapter", "caddyfile"];
    const { status, stdout, stderr } = spawnSync(caddy ?? "", args, options);
    assert.equal(status, 0, stderr);
    const text = JSON.stringify(JSON.parse(stdout));
    assert.ok(text.includes('"dial":"h1:8080"') && text.includes('"dial":"h2:8080"'), text);
  });
});
