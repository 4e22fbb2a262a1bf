// The resources and their settings.
export { createInventory, type Inventory, type InventoryChange } from './inventory.ts'
