const second = 1000;
const minute = 60 * second;

/** How long AWS takes for what it goes on with by itself, in milliseconds: assumed from experience, never measured. */
export const serviceTimes = {
  createCluster: 9 * minute,
  updateCluster: 3 * minute,
  upgradeCluster: 8 * minute,
  deleteCluster: 2.5 * minute,
  createNodeGroup: 2.5 * minute,
  updateNodeGroup: 20 * second,
  upgradeNodeGroup: 5 * minute,
  deleteNodeGroup: 4 * minute,
  /** Until a group says that its instances cannot be had, or do not join. */
  failNodeGroup: 3 * minute,
  createAddon: 30 * second,
  updateAddon: 30 * second,
  deleteAddon: 20 * second,
  /** Until an add-on without nodes says that it is degraded. */
  degradeAddon: 20 * minute,
  createNatGateway: 1.5 * minute,
  deleteNatGateway: 1 * minute,
  /** Network interfaces of a load balancer stay for so long after it. */
  deleteLoadBalancer: 40 * second,
  /** Until other services know a new role. */
  propagateRole: 8 * second,
};

export type ServiceTimes = { readonly [Name in keyof typeof serviceTimes]: number };
