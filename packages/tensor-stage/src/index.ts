export * from "./backend.ts";
export {
  type AddonStamp,
  addonPaths,
  addonSources,
  readAddonStamp,
  TENSORFLOW_DIR,
} from "./tensorflow-addon.ts";
