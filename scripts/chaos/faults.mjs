/** Preloaded into a server: lets the chaos test set its clock and stall its disk. */
import "../../test/fixture/wrong-clock.mjs";
import "./slow-disk.mjs";
