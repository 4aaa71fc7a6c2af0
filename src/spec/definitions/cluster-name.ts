export const clusterNameLimits = "3 to 54 lower case letters, digits and dashes";
export const clusterNamePattern = /^[a-z0-9][-a-z0-9]{1,52}[a-z0-9]$/;
