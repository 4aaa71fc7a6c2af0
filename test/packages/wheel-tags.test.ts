import { expect, test } from "vitest";
import { type WheelTarget, wheelFits } from "../../src/packages/wheel-tags.ts";

const linux: WheelTarget = {
  major: 3,
  minor: 11,
  implementation: "cpython",
  abiFlags: "",
  platform: "linux-x86_64",
  libc: "glibc-2.36",
};
const mac: WheelTarget = { ...linux, platform: "macosx-14.4-arm64", libc: "" };

test.each<[string, WheelTarget, boolean]>([
  ["a-1-py3-none-any.whl", linux, true],
  ["a-1-py2.py3-none-any.whl", linux, true],
  ["a-1-py2-none-any.whl", linux, false],
  ["a-1-py312-none-any.whl", linux, false],
  ["a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", linux, true],
  ["a-1-1build-cp311-cp311-manylinux2014_x86_64.whl", linux, true],
  ["a-1-cp311-cp311-manylinux_2_39_x86_64.whl", linux, false],
  ["a-1-cp311-cp311-manylinux1_x86_64.whl", { ...linux, libc: "glibc-2.5" }, true],
  ["a-1-cp311-cp311-manylinux2014_aarch64.whl", linux, false],
  ["a-1-cp310-cp310-manylinux2014_x86_64.whl", linux, false],
  ["a-1-cp39-abi3-manylinux2014_x86_64.whl", linux, true],
  ["a-1-cp312-abi3-manylinux2014_x86_64.whl", linux, false],
  ["a-1-cp311-cp311-musllinux_1_2_x86_64.whl", linux, false],
  ["a-1-cp311-cp311-musllinux_1_2_x86_64.whl", { ...linux, libc: "musl-1.2" }, true],
  ["a-1-cp313-cp313t-manylinux2014_x86_64.whl", { ...linux, minor: 13, abiFlags: "t" }, true],
  ["a-1-cp313-cp313-manylinux2014_x86_64.whl", { ...linux, minor: 13, abiFlags: "t" }, false],
  ["a-1-cp311-cp311-macosx_11_0_arm64.whl", mac, true],
  ["a-1-cp311-cp311-macosx_10_9_universal2.whl", mac, true],
  ["a-1-cp311-cp311-macosx_15_0_arm64.whl", mac, false],
  ["a-1-cp311-cp311-macosx_11_0_x86_64.whl", mac, false],
  ["a-1-cp311-cp311-win_amd64.whl", { ...linux, platform: "win-amd64", libc: "" }, true],
  ["a-1-cp311-cp311-win_amd64.whl", linux, false],
  ["a-1-pp39-pypy39_pp73-any.whl", linux, false],
  ["nonsense.whl", linux, false],
])("%s", (file, target, fits) => {
  expect(wheelFits(file, target)).toBe(fits);
});
