export interface Report {
  readonly id: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly department: string;
  readonly title: string;
  readonly status: 'submitted' | 'approved';
  /** The report that this one continues. */
  readonly previousId: string | null;
  /** What auditors think of it: not for everybody who may see the report. */
  readonly auditNote: string;
}

export type NewReport = Pick<Report, 'tenantId' | 'ownerId' | 'department' | 'title'> &
  Partial<Pick<Report, 'status'>>;

/** Expense reports of two companies. Stands in for a database, and asks no questions either. */
export function reports() {
  const note = 'looks suspicious';
  const rows = new Map<string, Report>(
    [
      { id: '1', tenantId: 'acme', ownerId: 'ann', department: 'sales', previousId: '2' },
      { id: '2', tenantId: 'acme', ownerId: 'bob', department: 'research', previousId: null },
      { id: '3', tenantId: 'globex', ownerId: 'gina', department: 'sales', previousId: null },
    ].map((row) => [
      row.id,
      { ...row, title: `Trip of ${row.ownerId}`, status: 'submitted', auditNote: note },
    ]),
  );
  const put = (report: Report): Report => {
    rows.set(report.id, report);
    return report;
  };
  return {
    find: (ids: readonly string[]) => ids.flatMap((id) => rows.get(id) ?? []),
    ofTenant: (tenantId: string) => [...rows.values()].filter((row) => row.tenantId === tenantId),
    approve: (report: Report) => put({ ...report, status: 'approved' }),
    create: (values: NewReport) =>
      put({
        status: 'submitted',
        ...values,
        id: String(rows.size + 1),
        previousId: null,
        auditNote: note,
      }),
  };
}

export type Reports = ReturnType<typeof reports>;
