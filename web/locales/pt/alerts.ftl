# Portuguese, as in Portugal, without what would be odd in Brazil.

weekday-1 = segunda-feira
weekday-2 = terça-feira
weekday-3 = quarta-feira
weekday-4 = quinta-feira
weekday-5 = sexta-feira
weekday-6 = sábado
weekday-7 = domingo
month-1 = janeiro
month-2 = fevereiro
month-3 = março
month-4 = abril
month-5 = maio
month-6 = junho
month-7 = julho
month-8 = agosto
month-9 = setembro
month-10 = outubro
month-11 = novembro
month-12 = dezembro
moment = { $weekday }, { $day } de { $month-name }, às { $hour }h{ $minute }

mail-subject = { $count ->
        [one] Ausência registada
       *[other] Ausências registadas
    } – { $school }
mail-subject-there = Ausência corrigida – { $school }
mail-hello = Bom dia,
mail-absent = { $name } não estava na aula ({ $moment }).
mail-there = A ausência de { $name } foi anulada ({ $moment }).
mail-ask = Agradecemos que nos indique o motivo nesta página, sem precisar de conta:
mail-nothing = Comunicámos-lhe uma ausência por engano e pedimos desculpa. Não precisa de fazer nada. Os pormenores estão nesta página:
mail-telephone = Telefone: { $telephone }

sms-when = { $dd }/{ $mm } às { $hour }h{ $minute }
sms-who = { $names }, { $when }
sms-absent = { $from }. { $count ->
        [one] Ausência
       *[other] Ausências
    }: { $who }. Responda: { $link }
sms-there = { $from }. Afinal sem ausência: { $who }. Desculpe o nosso engano, não precisa de fazer nada.
sms-comma = ,
sms-semicolon = ;

page-title = Ausência
page-absent = Não estava na aula
page-there = Ausência anulada
page-got = Recebi esta mensagem
page-seen = Confirmou que recebeu a mensagem.
page-why = Indicar o motivo
page-reason = Motivo
page-choose = Escolher…
page-comment = Comentário (facultativo)
page-rest = Ausência até ao fim da manhã ou da tarde
page-document = Documento (facultativo): PDF ou fotografia
page-send = Enviar
page-received = Motivo recebido
page-thanks = Agradecemos. A escola recebeu a sua resposta.
page-gone = Esta ligação já não é válida. Telefone para a escola.
page-languages = Línguas

problem-title = Resposta não enviada
problem-reason = Escolha um motivo da lista.
problem-comment = O comentário é demasiado longo: { $characters } caracteres no máximo.
problem-size = O documento é demasiado grande: { $megabytes } MB no máximo.
problem-kind = Não é possível ler este documento. Envie um PDF ou uma fotografia JPEG ou PNG.
problem-later = Não foi possível guardar a sua resposta. Tente novamente dentro de alguns minutos.
problem-again = Se tinha anexado um documento, anexe-o novamente.
