/** Loaded into a server before anything else: what can be made to fail in it from outside. */
import "../../test/fixture/wrong-clock.mjs";
import "./slow-disk.mjs";
