/** The mapping from errors of the operating system to those of the Store contract. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamError } from "../../src/protocol/errors.ts";
import { diskError, isAbsence, isMissing, unlessMissing } from "../../src/stores/file/folders/errors.ts";

const systemError = (code: string): Error =>
  Object.assign(new Error(`${code}: something, open '/srv/secret/root/a.txt'`), { code });

test("errors that an operator can fix have codes and messages of their own", () => {
  const codes: Record<string, [string, RegExp]> = {
    ENOENT: ["not_found", /does not exist/],
    ENOSPC: ["no_space", /full/],
    EDQUOT: ["no_space", /quota/],
    EFBIG: ["no_space", /maximum size/],
    EACCES: ["denied", /permission/],
    EPERM: ["denied", /permission/],
    EROFS: ["denied", /read-only/],
    ENOTDIR: ["path_conflict", /in the place of a folder/],
    EISDIR: ["path_conflict", /it is a folder/],
    EEXIST: ["path_conflict", /in the place of a folder/],
    ENXIO: ["path_conflict", /not a regular file/],
    EILSEQ: ["bad_path", /does not accept/],
    EINVAL: ["bad_path", /does not accept/],
    ELOOP: ["bad_path", /too many symbolic links/],
    ENAMETOOLONG: ["bad_path", /too long/],
    EMFILE: ["overloaded", /too many files/],
    ENFILE: ["overloaded", /system has too many files/],
    EIO: ["storage", /EIO/],
    EBUSY: ["storage", /EBUSY/],
  };
  for (const [name, [code, words]] of Object.entries(codes)) {
    const error = diskError(systemError(name), "dir/a.txt");
    assert.equal(error.code, code, name);
    assert.match(error.message, words, name);
    assert.match(error.message, /"\/dir\/a\.txt"/, name);
    assert.equal(error.path, "dir/a.txt");
  }
});

test("what does not exist is called so: nothing has failed", () => {
  assert.equal(diskError(systemError("ENOENT"), "a.txt").message, '"/a.txt" does not exist.');
});

test("no message reveals where the root is, but the cause does", () => {
  for (const name of ["ENOSPC", "EACCES", "EIO", "ESTALE", "EBADF"]) {
    const cause = systemError(name);
    const error = diskError(cause, "a.txt");
    assert.doesNotMatch(error.message, /secret/, name);
    assert.equal(error.cause, cause);
  }
});

test("a StreamError stays as it is, and any other thrown value becomes one", () => {
  const own = new StreamError("conflict", "Taken.");
  assert.equal(diskError(own, "a"), own);
  assert.equal(diskError(new Error("boom"), "a").code, "storage");
  assert.equal(diskError("text", "a").code, "storage");
  for (const thrown of [new Error("boom"), "text"])
    assert.doesNotMatch(diskError(thrown, "a").message, /system says|undefined/);
});

test("only ENOENT counts as missing", () => {
  assert.equal(isMissing(systemError("ENOENT")), true);
  for (const thrown of [systemError("EACCES"), systemError("ENOTDIR"), new Error("ENOENT"), undefined]) {
    assert.equal(isMissing(thrown), false);
  }
});

test("what is missing, or in the place of something else, is an absence", () => {
  for (const code of ["ENOENT", "ENOTDIR", "EISDIR", "ELOOP"]) assert.equal(isAbsence(systemError(code)), true, code);
  assert.equal(isAbsence(new StreamError("bad_path", "It leads out.")), true);
  for (const thrown of [systemError("EACCES"), systemError("EIO"), new StreamError("denied", "No."), undefined])
    assert.equal(isAbsence(thrown), false);
});

test("only a missing file is ignored", () => {
  unlessMissing(systemError("ENOENT"));
  const denied = systemError("EACCES");
  assert.throws(() => unlessMissing(denied), denied);
});
